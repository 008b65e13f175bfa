import fc from 'fast-check';
import t from 'tap';
import { covers, readCertificate } from '../../../runner/controller/certificates/pem';
import { holds } from '../../common/support';
import { makeCertificate } from './support';

const now = new Date('2026-06-01');
const problemOf = (name: string, text: string) => (readCertificate(name, text, now) as { problem: string }).problem;

t.test('certificate, chain and key may stand in any order; the certificate of the key comes first', async (t) => {
  const own = await makeCertificate(['Shop.example.com', '*.shop.example.com']);
  const chain = await makeCertificate([], { common: 'authority' });
  for (const text of [
    [own.key, chain.certificate, own.certificate],
    [own.certificate, chain.certificate, own.key],
    ['some words before', chain.certificate, own.certificate, own.key, 'and after'],
  ]) {
    const read = readCertificate('shop', text.join('\n'), now);
    if ('problem' in read) throw new Error(read.problem);
    t.same(read.domains, ['shop.example.com', '*.shop.example.com']);
    t.same(read.pem.match(/BEGIN [A-Z ]+/g), ['BEGIN CERTIFICATE', 'BEGIN CERTIFICATE', 'BEGIN PRIVATE KEY']);
    t.ok(read.pem.startsWith(own.certificate.trim().slice(0, 200)));
    t.equal(read.notAfter, '2036-01-01T00:00:00.000Z');
    t.same(read.warnings, []);
  }
});

t.test('one that has no alternative names is for its common name', async (t) => {
  const { certificate, key } = await makeCertificate([], { common: 'old.example.com' });
  t.match(readCertificate('old', `${certificate}\n${key}`, now), { domains: ['old.example.com'] });
});

t.test('what is expired or not valid yet is told', async (t) => {
  const past = await makeCertificate(['a.example.com'], { from: new Date('2025-01-01'), to: new Date('2026-05-31') });
  t.match(readCertificate('past', past.certificate + past.key, now), { warnings: [/expired at 2026-05-31/] });
  const future = await makeCertificate(['a.example.com'], { from: new Date('2026-07-01') });
  t.match(readCertificate('future', future.certificate + future.key, now), { warnings: [/valid from 2026-07-01/] });
});

t.test('what cannot be used says why', async (t) => {
  const { certificate, key } = await makeCertificate(['a.example.com']);
  const other = await makeCertificate(['b.example.com']);
  t.match(problemOf('a', certificate), /no private key/);
  t.match(problemOf('a', key), /no certificate/);
  t.match(problemOf('a', certificate + other.key), /belongs to none of its certificates/);
  t.match(problemOf('a', certificate + key + other.key), /more than one private key/);
  t.match(problemOf('a', key.replaceAll('PRIVATE', 'ENCRYPTED PRIVATE') + certificate), /encrypted/);
  t.match(problemOf('a', key + certificate.replace(/\n.{40}/, '\n')), /cannot be read/);
  t.match(problemOf('a', 'x'.repeat(70_000)), /longer than 64 kB/);
  t.match(problemOf('../a', certificate + key), /its name may have/);
  const nobody = await makeCertificate([], { common: 'no host' });
  t.match(problemOf('a', nobody.certificate + nobody.key), /for no host name/);
});

t.test('no text makes it throw', (t) =>
  holds(
    t,
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (name, text) => {
      readCertificate(name, text, now);
      readCertificate('a', `-----BEGIN CERTIFICATE-----${text}-----END CERTIFICATE-----`, now);
      readCertificate(
        'a',
        `-----BEGIN PRIVATE KEY-----\n${Buffer.from(text).toString('base64')}\n-----END PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----`,
        now,
      );
    }),
  ),
);

t.test('a wildcard is for one label', async (t) => {
  const domains = ['example.com', '*.example.com'];
  t.ok(covers({ domains }, 'example.com') && covers({ domains }, 'a.example.com'));
  t.notOk(covers({ domains }, 'a.b.example.com') || covers({ domains: ['*.example.com'] }, 'example.com'));
});
