import t from 'tap';
import { makeCurve, parseCurve } from '../../runner/scaling/curve';
import { renderSimulation } from '../../runner/scaling/render-simulation';
import { simulate, type Simulation } from '../../runner/scaling/simulate';
import { failureOf } from '../common/support';
import { usual } from './support';

const simulation: Simulation = {
  limits: { ...usual, maximum: 20 },
  threshold: { up: 100, down: 50 },
  for: 30,
  window: 30,
  interval: 5,
  startup: 10,
  replicas: 4,
};

t.test('what is no curve is refused with its line', async (t) => {
  const wrong = (text: string) => failureOf(() => parseCurve(text, 'load.csv'));
  t.match(await wrong('0,1\n5,x\n'), {
    code: 'USAGE_INVALID',
    message: "load.csv, line 2: '5,x' is not a time and a load",
  });
  t.match(await wrong('0,1\n5,-1\n'), { message: /line 2/ });
  t.match(await wrong('5,1\n0,1\n'), { causeText: 'time goes back at sample 2' });
  t.match(await wrong('time,load\n0,1\n'), { causeText: 'it has 1 samples' });
  for (const text of ['square', 'sine mean', 'sine maen=1', 'sine period=0', 'sine duration=999999999'])
    t.equal((await failureOf(() => makeCurve(text))).code, 'USAGE_INVALID', text);
  t.same(
    parseCurve('time,load\n2026-01-01T00:00:00Z,1\n2026-01-01T00:00:05Z;2\n', 'x').map(({ load }) => load),
    [1, 2],
  );
});

t.test('load that stays grows and shrinks a service once, within its limits', async (t) => {
  const grown = simulate(makeCurve('step from=300 to=1500 at=600 duration=3600'), simulation);
  t.equal(grown.steps.at(-1)?.replicas, 15);
  t.equal(grown.flips, 0);
  const bounded = simulate(makeCurve('constant mean=9000'), simulation);
  t.equal(bounded.steps.at(-1)?.replicas, 20);
  t.match(bounded.steps.at(-1)?.decision, { verdict: 'ask' });
  t.match(renderSimulation(bounded), /16 changes, 0 of them in the other direction/);
  const shrunk = simulate(makeCurve('step from=1500 to=10 at=600 duration=14400'), { ...simulation, replicas: 15 });
  t.equal(shrunk.steps.at(-1)?.replicas, 1);
  t.equal(shrunk.flips, 0);
});

t.test('noise does not make it flap', async (t) => {
  // Means that lie at the very thresholds of some number of replicas, and between them.
  for (const mean of [200, 250, 300, 350, 400, 450, 500, 800, 1000]) {
    const of = (noise: number) =>
      Array.from(
        { length: 20 },
        (_, seed) =>
          simulate(makeCurve(`constant mean=${mean} noise=${noise} duration=3600 seed=${seed}`), simulation).flips,
      );
    t.equal(Math.max(...of(10)), 0, `±10 % about ${mean}`);
    t.ok(Math.max(...of(20)) <= 2, `±20 % about ${mean}: ${Math.max(...of(20))}`);
  }
});

t.test('thresholds that lie too near to each other cost two flips an hour at most', async (t) => {
  const narrow = { ...simulation, threshold: { up: 100, down: 95 } };
  for (let seed = 0; seed < 20; seed++) {
    const { flips } = simulate(makeCurve(`constant mean=390 noise=20 duration=3600 seed=${seed}`), narrow);
    t.ok(flips <= 2, `${flips} flips`);
  }
});
