import fc from 'fast-check';
import t from 'tap';
import {
  formatImage,
  parseImage,
  readImage,
  repositoryOf,
  requireTag,
  withDigest,
  withTag,
} from '../../runner/image/reference';
import { failureOf, holds } from '../common/support';

const digest = `sha256:${'0a'.repeat(32)}`;

t.test('what is no image name is refused with the reason', async (t) => {
  const table: [string, RegExp][] = [
    ['', /part of the path is empty/],
    ['/shop', /empty/],
    ['shop/', /empty/],
    ['a//b', /empty/],
    ['Shop', /'Shop' is not a legal part/],
    ['shop/Web', /'Web' is not a legal part/],
    ['-shop', /'-shop' is not a legal part/],
    ['shop-', /not a legal part/],
    ['a..b/c', /'a\.\.b' is not a registry host/],
    ['x/a..b', /not a legal part/],
    ['shop\n', /white space/],
    ['shop web', /white space/],
    ["shop'", /not a legal part/],
    ['shop";reboot', /not a legal part/],
    ['$(id)', /not a legal part/],
    ['`id`', /not a legal part/],
    ['--privileged', /not a legal part/],
    ['http://host/shop', /not a registry host|not a legal part|empty/],
    ['user:pw@host/shop', /digest is not sha256/],
    ['shop:', /the tag '' has/],
    ['shop:.x', /starts with \. or -/],
    ['shop:-x', /starts with \. or -/],
    [`shop:${'x'.repeat(129)}`, /more than 128/],
    ['shop:a/b', /'shop:a' is not a registry host/],
    ['shop@', /digest is not/],
    ['shop@sha256:abc', /digest is not/],
    [`shop@${digest.toUpperCase()}`, /digest is not/],
    [`shop@sha512:${'0'.repeat(128)}`, /digest is not/],
    [`shop@${digest}@${digest}`, /more than one @/],
    ['host:123456/shop', /not a registry host/],
    ['host:port/shop', /not a registry host/],
    ['host_name:5000/shop', /not a registry host/],
    ['[::1/shop', /not a registry host/],
    [`${'a'.repeat(256)}`, /longer than 255/],
    [`${'a'.repeat(600)}`, /longer than 512/],
    ['shöp', /not a legal part/],
    ['../etc/passwd', /not a registry host/],
  ];
  for (const [text, reason] of table) t.match(readImage(text), reason, JSON.stringify(text.slice(0, 60)));
  const error = await failureOf(() => parseImage(`${'X'.repeat(300)}`, 'tests.unit.image'));
  t.match(error, { code: 'IMAGE_INVALID', message: `tests.unit.image '${'X'.repeat(80)}' is not an image name` });
});

t.test('an image name is read as docker reads it', async (t) => {
  const table: [string, object, string?][] = [
    ['debian', { registry: 'docker.io', path: 'library/debian' }],
    ['debian:trixie-slim', { registry: 'docker.io', path: 'library/debian', tag: 'trixie-slim' }],
    ['docker.io/library/debian', { registry: 'docker.io', path: 'library/debian' }, 'debian'],
    ['index.docker.io/team/shop', { registry: 'docker.io', path: 'team/shop' }, 'team/shop'],
    ['docker.io/0.a/shop', { registry: 'docker.io', path: '0.a/shop' }],
    ['docker.io/library/a/b', { registry: 'docker.io', path: 'library/a/b' }, 'library/a/b'],
    ['localhost/shop', { registry: 'localhost', path: 'shop' }],
    ['localhost:5000/shop:1', { registry: 'localhost:5000', path: 'shop', tag: '1' }],
    ['registry.example.com/a/b/c', { registry: 'registry.example.com', path: 'a/b/c' }],
    ['[2001:db8::1]:5000/shop:1', { registry: '[2001:db8::1]:5000', path: 'shop', tag: '1' }],
    ['[::1]/shop', { registry: '[::1]', path: 'shop' }],
    ['Registry/shop', { registry: 'Registry', path: 'shop' }],
    ['a__b/c.d/e--f', { registry: 'docker.io', path: 'a__b/c.d/e--f' }],
    [`host:1/shop:1@${digest}`, { registry: 'host:1', path: 'shop', tag: '1', digest }],
  ];
  for (const [text, expected, formatted = text] of table) {
    t.same(readImage(text), expected, text);
    t.equal(formatImage(parseImage(text)), formatted);
  }
});

t.test('what is written reads back as the same, whatever was read', async (t) => {
  const name = fc.stringMatching(/^[a-z0-9]{1,8}([_-][a-z0-9]{1,8}){0,2}$/);
  const host = fc.constantFrom(
    '',
    'docker.io/',
    'index.docker.io/',
    'localhost/',
    'Host/',
    'r.example.com:5000/',
    '[::1]:5000/',
  );
  const tag = fc.oneof(
    fc.constant(''),
    fc.stringMatching(/^\w[\w.-]{0,20}$/).map((text) => `:${text}`),
  );
  const suffix = fc.constantFrom('', `@${digest}`);
  const legal = fc
    .tuple(host, fc.array(name, { minLength: 1, maxLength: 3 }), tag, suffix)
    .map(([host, names, tag, suffix]) => `${host}${names.join('/')}${tag}${suffix}`);
  const odd = fc.string({ unit: fc.constantFrom(...'aA0./:@_-[]$ \n\'"') });
  await holds(
    t,
    fc.property(fc.oneof(legal, odd), (text) => {
      const read = readImage(text);
      if (typeof read === 'string') return read.length > 0;
      const written = formatImage(read);
      const again = readImage(written);
      return JSON.stringify(again) === JSON.stringify(read) && !/[\s$'"]/.test(written);
    }),
    { numRuns: 1000 },
  );
  await holds(
    t,
    fc.property(legal, (text) => typeof readImage(text) === 'object'),
  );
});

t.test('an image keeps its repository under another tag or at a digest', async (t) => {
  const image = parseImage(`host:1/shop:1@${digest}`);
  t.equal(repositoryOf(image), 'host:1/shop');
  t.equal(formatImage(withTag(image, '2')), 'host:1/shop:2');
  t.equal(formatImage(withDigest(image, digest)), `host:1/shop@${digest}`);
});

t.test('a tag is held to its rules', async (t) => {
  for (const text of ['', '-a', '.a', 'a b', 'a/b', 'a:b', 'ä', 'a\n', 'x'.repeat(129)])
    t.match(await failureOf(() => requireTag(text, '--tag')), { code: 'IMAGE_INVALID', message: /^--tag '/ }, text);
  for (const text of ['latest', '_', '1.2.3-rc.1', 'x'.repeat(128)]) t.equal(requireTag(text), text);
});
