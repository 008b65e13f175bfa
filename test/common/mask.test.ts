import fc from 'fast-check';
import t from 'tap';
import { createMasker, createStreamMasker, maskedJson, secretsOf } from '../../runner/common/mask';
import { holds } from './support';

/** Secrets as generators, keys and people make them; without asterisks, which masking itself writes. */
const secret = fc
  .oneof(
    fc.base64String({ minLength: 6, maxLength: 40 }),
    fc.string({ minLength: 6, maxLength: 40 }),
    fc.string({ unit: 'grapheme', minLength: 6, maxLength: 20 }),
    fc.stringMatching(/^[\w !"#$%&'()+,./:;<=>?@[\\\]^`{|}~-]{6,30}$/),
  )
  .filter((text) => text.trim().length >= 5 && !text.includes('*') && !/[\r\n]/.test(text));

const base64At = (text: string, offset: number, after: string) =>
  Buffer.concat([Buffer.alloc(offset, 'x'), Buffer.from(text + after)]).toString('base64');

/** The characters of the base64 of a longer text that stem from the secret alone. */
function insideBase64(text: string, offset: number): string {
  const first = Math.ceil((offset * 8) / 6);
  const last = Math.floor(((offset + Buffer.byteLength(text)) * 8) / 6);
  return base64At(text, offset, '').slice(first, last);
}

t.test('no form of a secret survives', async (t) => {
  await holds(
    t,
    fc.property(secret, fc.string(), fc.string(), (secret, before, after) => {
      const mask = createMasker([secret]);
      const json = JSON.stringify(secret).slice(1, -1);
      const forms = [secret, secret.trim(), json, JSON.stringify(json).slice(1, -1), encodeURIComponent(secret)];
      forms.push(encodeURIComponent(secret).replaceAll('%20', '+'), encodeURI(secret));
      for (const form of forms.filter((form) => form.length >= 5))
        if (mask(`${before} ${form} ${after}`).includes(form)) return false;
      for (const offset of [0, 1, 2, 3]) {
        const inside = insideBase64(secret, offset);
        for (const tail of ['', 'y', 'yz', 'yzw']) {
          const encoded = base64At(secret, offset, tail);
          if (mask(encoded).includes(inside)) return false;
          const url = (text: string) => text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
          if (mask(url(encoded)).includes(url(inside))) return false;
        }
      }
      return true;
    }),
  );
});

t.test('the credentials of a basic authorization header do not survive', async (t) => {
  const mask = createMasker(['opensesame']);
  const header = `Authorization: Basic ${Buffer.from('ali-baba:opensesame').toString('base64')}`;
  t.notMatch(mask(header), Buffer.from('ali-baba:opensesame').toString('base64').slice(13, 23));
});

t.test('what other languages make of a secret is masked too', async (t) => {
  const mask = createMasker(['a<b&c>d', 'pässwörd', "it's(1)!"]);
  t.equal(mask('a\\u003cb\\u0026c\\u003ed'), '****', 'as Go writes JSON');
  t.equal(mask('p\\u00e4ssw\\u00f6rd'), '****', 'as Groovy and Python write JSON');
  t.equal(mask('p%c3%a4ssw%c3%b6rd'), '****', 'URL-encoded in lower case');
  t.equal(mask('it%27s%281%29%21'), '****', 'strictly URL-encoded');
});

t.test('a secret that is no text does no harm', async (t) => {
  const mask = createMasker(['abc\ud800def']);
  t.equal(mask('abc\ud800def'), '****');
});

t.test('short values are left: they would hit ordinary words', async (t) => {
  const mask = createMasker(['', ' ', 'a', 'test', '    \n   ', 'ab\ncd']);
  t.equal(mask('a test of abcd in a    place'), 'a test of abcd in a    place');
});

t.test('of a secret of several lines each line is masked, with each kind of line end', async (t) => {
  for (const end of ['\n', '\r\n', '\r']) {
    const mask = createMasker([['-----BEGIN KEY-----', '  line-one', 'line-two', 'ab', ''].join(end)]);
    t.equal(mask('line-two'), '****');
    t.equal(mask('x line-one y'), 'x **** y', 'without its indentation');
    t.equal(mask('line-two\nline-one'), '****\n****', 'in another order');
  }
});

t.test('the longest of overlapping secrets is masked first', async (t) => {
  const mask = createMasker(['hunter2', 'hunter2-admin']);
  t.equal(mask('hunter2-admin hunter2'), '**** ****');
});

t.test('a secret that is learned later is masked from then on', async (t) => {
  const mask = createMasker();
  t.equal(mask('opensesame'), 'opensesame');
  t.equal(mask.longest, 0);
  mask.add('opensesame');
  t.equal(mask('opensesame'), '****');
  t.ok(mask.longest >= 'opensesame'.length);
});

t.test('masking a document leaves it the same document', async (t) => {
  const mask = createMasker(['error', 'false', '12345', 'message"}', 'opensesame']);
  const document = { error: { message: 'opensesame "x"', ok: false, count: 12345, list: ['an error', null] } };
  t.same(JSON.parse(maskedJson(mask, document)), {
    error: { message: '**** "x"', ok: false, count: 12345, list: ['an ****', null] },
  });
  const value = fc.jsonValue({ maxDepth: 3 }).map((value) => ({ value }));
  await holds(
    t,
    fc.property(fc.array(secret), value, (secrets, document) => {
      const masked = JSON.parse(maskedJson(createMasker(secrets), document)) as { value: unknown };
      return typeof masked.value === typeof document.value;
    }),
  );
});

t.test(
  'variables are secret by their names, unless they hold a switch, a path or the author of a commit',
  async (t) => {
    const secret = {
      DB_PASSWORD: 'secret-1',
      api_key: 'secret-2',
      GITHUB_TOKEN: 'secret-3',
      NPM_AUTH: 'secret-4',
      AUTHORIZATION: 'secret-5',
      AWS_SECRET_ACCESS_KEY: 'secret-6',
    };
    const open = {
      SSH_AUTH_SOCK: '/tmp/agent',
      DB_PASSWORD_FILE: '/run/secrets/db',
      GIT_AUTHOR_NAME: 'Ada Lovelace',
      CHANGE_AUTHOR: 'ada-l',
      REQUIRE_AUTH: 'false',
      HOMEOSTAT_REGISTRY_USER: 'builder',
      PATH: '/usr/bin',
    };
    t.same(secretsOf({ ...secret, ...open, OTHER_TOKEN: undefined }), Object.values(secret));
  },
);

function masked(secrets: string[], pieces: Iterable<string>): string {
  let text = '';
  const stream = createStreamMasker(createMasker(secrets), (written) => (text += written));
  for (const piece of pieces) stream.push(piece);
  stream.end();
  return text;
}

t.test('a secret that comes in pieces does not get through, wherever it is cut', async (t) => {
  const cuts = fc.array(fc.nat(200), { maxLength: 8 });
  await holds(
    t,
    fc.property(secret, fc.string(), fc.string(), cuts, (secret, before, after, cuts) => {
      const whole = `${before}${secret}${after}\n${before}${encodeURIComponent(secret)}`;
      const places = [...new Set([0, ...cuts.map((cut) => cut % (whole.length + 1)), whole.length])].sort(
        (a, b) => a - b,
      );
      const pieces = places.slice(1).map((place, index) => whole.slice(places[index], place));
      return !masked([secret], pieces).includes(secret);
    }),
  );
});

t.test('nor does one in a line so long that it is let go in pieces', async (t) => {
  const secret = 'open+sesame/and more';
  const cut = fc.integer({ min: 0, max: secret.length });
  await holds(
    t,
    fc.property(fc.integer({ min: 65_300, max: 67_000 }), cut, cut, (at, first, second) => {
      const before = 'x'.repeat(at);
      const between = 'y'.repeat(66_000);
      const pieces = [
        before + secret.slice(0, first),
        secret.slice(first) + between + secret.slice(0, second),
        secret.slice(second),
      ];
      return masked([secret], pieces) === `${before}****${between}****`;
    }),
    { numRuns: 300 },
  );
});

t.test('text without secrets goes through whole, and whole lines at once', async (t) => {
  await holds(
    t,
    fc.property(fc.array(fc.string()), (pieces) => masked(['opensesame'], pieces) === pieces.join('')),
  );
  const written: string[] = [];
  const stream = createStreamMasker(createMasker(['opensesame']), (text) => written.push(text));
  stream.push('one\ntw');
  t.same(written, ['one\n']);
});

t.test('a line of 100 MB does not stay in memory', async (t) => {
  let length = 0;
  const stream = createStreamMasker(createMasker(['opensesame', 'x'.repeat(4000)]), (text) => (length += text.length));
  const piece = 'no line end '.repeat(8192);
  const start = process.memoryUsage().rss;
  let most = 0;
  let pushed = 0;
  for (; pushed < 100e6; pushed += piece.length) {
    stream.push(piece);
    most = Math.max(most, process.memoryUsage().rss - start);
  }
  stream.end();
  t.equal(length, pushed);
  t.ok(most < 80e6, `it took ${Math.round(most / 1e6)} MB`);
});
