import fc from 'fast-check';
import t from 'tap';
import { dueNow, nameOf, pauseAfter, renewAt, type Wanted } from '../../../runner/controller/certificates/renewal';
import { holds } from '../../common/support';

const day = 86_400_000;
const start = Date.UTC(2026, 0, 1);
const at = (days: number) => new Date(start + days * day).toISOString();
const wanted = (...hosts: string[]): Wanted => ({ hosts, testing: false, service: 'shop' });
const kept = (domains: string[], from: number, to: number) =>
  new Map([[nameOf(wanted(...domains)), { notBefore: at(from), notAfter: at(to), domains }]]);
const none = new Map<string, never>();

t.test('it is renewed before a third of its life is left, and not earlier', async (t) => {
  const have = kept(['a.example.com'], 0, 90);
  t.same(dueNow([wanted('a.example.com')], have, none, start + 59.9 * day), []);
  t.match(dueNow([wanted('a.example.com')], have, none, start + 60 * day), [{ hosts: ['a.example.com'] }]);
  t.equal(renewAt({ notBefore: at(0), notAfter: at(90) }), start + 60 * day);
});

t.test('what is missing is due at once, and the same hosts once', async (t) => {
  const both = [wanted('a.example.com'), { ...wanted('a.example.com'), service: 'other' }];
  t.equal(dueNow(both, none, none, start).length, 1);
});

t.test('a host more makes another certificate', async (t) => {
  const have = kept(['a.example.com'], 0, 90);
  t.match(dueNow([wanted('a.example.com', 'b.example.com')], have, none, start), [{ hosts: { length: 2 } }]);
  const changed = new Map([[nameOf(wanted('a.example.com')), { notBefore: at(0), notAfter: at(90), domains: ['x'] }]]);
  t.equal(dueNow([wanted('a.example.com')], changed, none, start).length, 1, 'what is kept may be for other hosts');
});

t.test('a test certificate never stands in for a real one', async (t) => {
  const testing = { ...wanted('a.example.com'), testing: true };
  t.not(nameOf(testing), nameOf(wanted('a.example.com')));
});

t.test('after failures the pauses grow, up to six hours', (t) =>
  holds(
    t,
    fc.property(fc.integer({ min: 1, max: 1000 }), fc.nat(10 * day), (failures, later) => {
      const attempts = new Map([[nameOf(wanted('a.example.com')), { failures, last: start }]]);
      const due = dueNow([wanted('a.example.com')], none, attempts, start + later).length === 1;
      const pause = pauseAfter(failures);
      if (pause < 60_000 || pause > 6 * 3_600_000) throw new Error(`a pause of ${pause} ms`);
      if (pauseAfter(failures + 1) < pause) throw new Error('pauses shrink');
      return due === later >= pause;
    }),
  ),
);
