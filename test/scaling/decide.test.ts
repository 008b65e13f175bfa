import fc from 'fast-check';
import t from 'tap';
import { decide, explain } from '../../runner/scaling/decide';
import type { Change, Decision, Direction, Facts } from '../../runner/scaling/model';
import { holds } from '../common/support';
import { anyFacts, facts, minutes, now, step } from './support';

const guardOf = (decision: Decision) => ('guard' in decision ? decision.guard : decision.verdict);
const after = (from: Facts): number => {
  const decision = decide(from);
  return decision.verdict === 'scale' ? decision.to : from.live.replicas;
};
const change = (ago: number, from: number, to: number, id?: string): Change => ({
  at: now - ago,
  from,
  to,
  by: 'x',
  id,
});

t.test('what is not a service to be scaled stays as it is', async (t) => {
  for (const [live, reason] of [
    [{ mode: 'global' }, /one task on each node/],
    [{ mode: 'job' }, /job/],
    [{ replicas: 0 }, /switched off/],
    [{ forbidden: 'HOMEOSTAT_SCALE_SERVICES does not name it' }, /does not name it/],
  ] as const) {
    const decision = decide(facts({ live }));
    t.match(decision, { verdict: 'refuse', guard: 'service', reason });
  }
  t.match(
    decide(facts({ live: { replicas: 0 }, wish: { kind: 'number', replicas: 2 }, request: { origin: 'person' } })),
    {
      verdict: 'scale',
      to: 2,
    },
    'a person may switch it on',
  );
});

t.test('nothing is changed during a rollout, whoever asks', async (t) => {
  for (const live of [
    { update: 'updating' },
    { update: 'paused' },
    { update: 'rollback_started' },
    { update: 'rollback_paused' },
    { outdated: 1 },
    { rollout: 'deploy of shop by jane' },
  ]) {
    t.equal(guardOf(decide(facts({ live }))), 'rollout', JSON.stringify(live));
    for (const origin of ['person', 'answer'] as const)
      t.match(decide(facts({ live, wish: { kind: 'number', replicas: 4 }, request: { origin } })), {
        verdict: 'refuse',
        guard: 'rollout',
      });
  }
  for (const update of ['completed', 'rollback_completed'])
    t.equal(decide(facts({ live: { update } })).verdict, 'scale', update);
});

t.test('tasks that are awaited come first', async (t) => {
  t.match(decide(facts({ live: { running: 2 } })), {
    verdict: 'hold',
    guard: 'pending',
    reason: /only 2 of its 3 replicas run/,
  });
});

t.test('a pause, a hold and a silence keep it as it is, each in its direction', async (t) => {
  t.match(decide(facts({ limits: { paused: 'up' } })), { guard: 'hold', reason: /scalePaused/ });
  t.equal(decide(facts({ limits: { paused: 'down' } })).verdict, 'scale');
  t.equal(guardOf(decide(facts({ limits: { paused: 'all' } }))), 'hold');
  const held = { until: now + minutes(5), by: 'jane', reason: 'campaign', source: 'hold' } as const;
  t.match(decide(facts({ holds: [held] })), {
    guard: 'hold',
    reason: 'it is held until 2026-01-01 12:05 UTC by jane: campaign',
  });
  t.match(decide(facts({ holds: [{ ...held, source: 'silence' }] })), { reason: /silenced in Alertmanager/ });
  t.equal(decide(facts({ holds: [{ ...held, only: 'down' }] })).verdict, 'scale');
  t.equal(decide(facts({ holds: [{ ...held, until: now }] })).verdict, 'scale', 'it is over');
});

t.test('an alert that is over, late or too young does nothing', async (t) => {
  const about = (alert: object, limits = {}) => decide(facts({ request: { alert }, limits }));
  t.match(about({ firing: false }), { guard: 'alert', reason: /no longer fires/ });
  t.match(about({ sentAt: now - minutes(11) }), { guard: 'alert', reason: /sent 11m00s ago/ });
  t.equal(about({ sentAt: now - minutes(9), firing: true }).verdict, 'scale');
  const stable = { stabilization: { up: 60_000, down: 0 } };
  t.match(about({ since: now - 20_000 }, stable), { guard: 'alert', reason: /fires for 20\.0s of the 1m00s/ });
  t.equal(about({ since: now - 60_000 }, stable).verdict, 'scale');
});

t.test('the same request twice is one action', async (t) => {
  const before = [change(minutes(20), 2, 3, 'deploy-7')];
  const again = { wish: { kind: 'number', replicas: 4 }, request: { id: 'deploy-7' }, changes: before } as const;
  t.match(decide(facts(again)), { verdict: 'hold', guard: 'repeat', reason: /carried out 20m00s ago: 2 → 3/ });
  t.match(decide(facts({ ...again, request: { id: 'deploy-7', origin: 'person' } })), { guard: 'repeat' });
  const alert = '0123456789abcdef@2026-01-01T11:00:00Z';
  const repeated = (ago: number) =>
    guardOf(decide(facts({ request: { id: alert }, changes: [change(ago, 2, 3, alert)] })));
  t.equal(repeated(5000), 'repeat', 'Alertmanager tells at least once');
  t.equal(repeated(31_000), 'scale', 'an alert that goes on gets its next step after the cooldown');
});

t.test('a change starts the cooldown of both directions', async (t) => {
  const of = (direction: Direction, changes: Change[]) => decide(facts({ wish: step(direction), changes }));
  t.match(of('up', [change(20_000, 2, 3)]), { guard: 'cooldown', reason: /up waits 30\.0s/ });
  t.match(of('up', [change(20_000, 4, 3)]), { guard: 'cooldown' });
  t.equal(of('up', [change(30_000, 4, 3)]).verdict, 'scale');
  t.equal(
    of('up', [change(28_500, 4, 3)]).verdict,
    'scale',
    'a repeat that Alertmanager sends on time is not too early',
  );
  t.match(of('down', [change(minutes(4), 2, 3)]), { guard: 'cooldown', reason: /down waits 5m00s/ });
  t.equal(of('down', [change(minutes(5), 2, 3)]).verdict, 'scale');
  const flap = [change(minutes(10), 2, 3), change(minutes(20), 3, 2)];
  t.match(of('down', flap), { guard: 'cooldown', reason: /down and up again 10m00s ago, so it stays up for 60m00s/ });
  t.equal(of('up', flap).verdict, 'scale', 'it may always grow');
  const person = { request: { origin: 'person' }, wish: { kind: 'number', replicas: 4 } } as const;
  t.equal(decide(facts({ ...person, changes: [change(1000, 2, 3)] })).verdict, 'scale', 'a person need not wait');
});

t.test('a step is what the labels say, or the request, and never more than the step limit', async (t) => {
  const limits = { maximum: 50 };
  const percent = { amount: 50, unit: 'percent' } as const;
  t.match(decide(facts({ limits: { ...limits, upBy: percent } })), { from: 3, to: 5 }, 'rounded up');
  t.match(decide(facts({ limits: { ...limits, upBy: percent, stepLimit: 1 } })), { to: 4 });
  t.match(decide(facts({ limits, wish: step('up', 7) })), { to: 10 });
  t.match(decide(facts({ limits: { ...limits, downBy: percent }, wish: step('down') })), { to: 1 });
  t.match(decide(facts({ limits: { ...limits, stepLimit: 2 }, wish: { kind: 'difference', difference: 6 } })), {
    to: 5,
  });
  const person = { origin: 'person' } as const;
  t.match(
    decide(
      facts({ limits: { ...limits, stepLimit: 2 }, wish: { kind: 'difference', difference: 6 }, request: person }),
    ),
    { to: 9 },
  );
});

t.test('at the maximum people are asked, at the minimum nobody is', async (t) => {
  t.match(decide(facts({ live: { replicas: 5 } })), { verdict: 'ask', from: 5, wanted: 6, limit: 5 });
  t.match(decide(facts({ live: { replicas: 7 } })), { verdict: 'ask', from: 7, wanted: 8 }, 'it never turns round');
  t.match(decide(facts({ live: { replicas: 1 }, wish: step('down') })), { verdict: 'hold', guard: 'limit' });
  t.match(decide(facts({ live: { replicas: 4 }, wish: step('up', 3) })), { to: 5, reason: /as far as its limits go/ });
  t.match(decide(facts({ live: { replicas: 8 }, wish: step('down') })), { to: 5 }, 'a change ends within the limits');
  const person = { origin: 'person' } as const;
  t.match(decide(facts({ wish: { kind: 'number', replicas: 6 }, request: person })), {
    verdict: 'refuse',
    guard: 'limit',
    reason: '6 is beyond its maximum of 5',
  });
});

t.test('a standing rule widens a limit, up to its number and its end', async (t) => {
  const rule = { direction: 'up', upTo: 7, until: now + 1, author: 'jane' } as const;
  const at = (replicas: number, rules = [rule as Facts['rules'][number]]) =>
    decide(facts({ live: { replicas }, rules }));
  t.match(at(5), { verdict: 'scale', to: 6, reason: /which the standing rule of jane allows/ });
  t.match(at(7), { verdict: 'ask', wanted: 8, limit: 7 });
  t.match(at(5, [{ ...rule, until: now }]), { verdict: 'ask' });
  const down = [{ ...rule, direction: 'down' as const, upTo: 0 }];
  t.match(decide(facts({ live: { replicas: 1 }, wish: step('down'), rules: down })), { to: 0 });
});

t.test('an answer goes beyond a limit, to its number', async (t) => {
  const answer = { wish: { kind: 'number', replicas: 9 }, request: { origin: 'answer', by: 'jane' } } as const;
  t.match(decide(facts({ ...answer, live: { replicas: 5 } })), { verdict: 'scale', from: 5, to: 9 });
  t.match(decide(facts({ ...answer, live: { replicas: 9 } })), { verdict: 'none' });
});

t.test('every guard is explained, also those behind one that stops', async (t) => {
  const explained = explain(facts({ live: { update: 'updating', running: 1 } }));
  t.same(
    explained.filter(({ passes }) => !passes).map(({ guard }) => guard),
    ['rollout', 'pending'],
  );
  t.equal(explained.length, 8);
});

t.test('a decision never leads outside the limits but by a rule, and then never over it', (t) =>
  holds(
    t,
    fc.property(anyFacts, (from) => {
      const decision = decide(from);
      if (decision.verdict !== 'scale') return;
      const holding = from.rules.filter(({ until }) => until > now);
      const above = holding.filter(({ direction }) => direction === 'up').map(({ upTo }) => upTo);
      const below = holding.filter(({ direction }) => direction === 'down').map(({ upTo }) => upTo);
      if (decision.to > Math.max(from.limits.maximum, ...above)) throw new Error('above');
      if (decision.to < Math.min(from.limits.minimum, ...below)) throw new Error('below');
    }),
    { numRuns: 5000 },
  ),
);

t.test('never during a rollout, never while tasks are pending, never while held', (t) =>
  holds(
    t,
    fc.property(anyFacts, (from) => {
      if (decide(from).verdict !== 'scale') return;
      const { update, rollout, outdated, running, replicas, mode } = from.live;
      if (['updating', 'paused', 'rollback_started', 'rollback_paused'].includes(update)) throw new Error(update);
      if (rollout !== undefined || outdated > 0 || running < replicas || mode === 'global') throw new Error('rollout');
      if (from.limits.paused === 'all') throw new Error('paused');
    }),
    { numRuns: 5000 },
  ),
);

t.test('a decision goes in the direction that was asked for', (t) =>
  holds(
    t,
    fc.property(anyFacts, (from) => {
      const { wish } = from.request;
      const replicas = from.live.replicas;
      const difference = after(from) - replicas;
      const asked =
        wish.kind === 'step'
          ? wish.direction === 'up'
            ? 1
            : -1
          : wish.kind === 'number'
            ? wish.replicas - replicas
            : wish.difference;
      if (difference * asked < 0) throw new Error('it turned round');
    }),
    { numRuns: 5000 },
  ),
);

t.test('whoever asks an alert’s way for more gets no less', (t) =>
  holds(
    t,
    fc.property(anyFacts, fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 20 }), (from, one, other) => {
      const asking = (replicas: number) =>
        after({ ...from, request: { ...from.request, origin: 'alert', wish: { kind: 'number', replicas } } });
      if (asking(Math.min(one, other)) > asking(Math.max(one, other))) throw new Error('not monotone');
    }),
    { numRuns: 5000 },
  ),
);

t.test('the same request again is one action', (t) =>
  holds(
    t,
    fc.property(anyFacts, fc.integer({ min: 0, max: 25_000 }), (from, later) => {
      const first = { ...from, request: { ...from.request, id: 'once' } };
      const decision = decide(first);
      if (decision.verdict !== 'scale') return;
      const made: Change = { at: now, from: decision.from, to: decision.to, by: 'x', id: 'once' };
      const live = { ...from.live, replicas: decision.to, running: decision.to };
      const limits = { ...from.limits, cooldown: { up: 30_000, down: 30_000 } };
      const again = decide({ ...first, limits, now: now + later, live, changes: [made, ...from.changes] });
      if (again.verdict === 'scale') throw new Error('twice');
    }),
    { numRuns: 5000 },
  ),
);

t.test('whatever alerts say, no two changes are nearer than the cooldown, and no three flips within an hour', (t) =>
  holds(
    t,
    fc.property(
      fc.array(fc.constantFrom<Direction>('up', 'down'), { minLength: 100, maxLength: 1000 }),
      (directions) => {
        const limits = { maximum: 10 };
        let replicas = 5;
        let changes: Change[] = [];
        directions.forEach((direction, tick) => {
          const at = now + tick * 15_000;
          const decision = decide(facts({ now: at, live: { replicas }, limits, wish: step(direction), changes }));
          if (decision.verdict !== 'scale') return;
          const wait = direction === 'up' ? 28_000 : 298_000;
          if (changes[0] && at - changes[0].at < wait) throw new Error('inside the window');
          changes = [{ at, from: replicas, to: decision.to, by: 'x' }, ...changes];
          replicas = decision.to;
        });
        const flips = changes.filter(({ from, to }, index) => {
          const before = changes[index + 1];
          return before && Math.sign(to - from) !== Math.sign(before.to - before.from);
        });
        flips.forEach(({ at }, index) => {
          if (flips[index + 2] && at - flips[index + 2]!.at <= 3_600_000) throw new Error('three flips');
        });
      },
    ),
    { numRuns: 300 },
  ),
);
