import fc from 'fast-check';
import type { Facts, Limits, Live, ScaleRequest, Wish } from '../../runner/scaling/model';

export const now = Date.UTC(2026, 0, 1, 12);
export const minutes = (count: number) => count * 60_000;

export const usual: Limits = {
  minimum: 1,
  maximum: 5,
  upBy: { amount: 1, unit: 'replicas' },
  downBy: { amount: 1, unit: 'replicas' },
  cooldown: { up: 30_000, down: 300_000 },
  stabilization: { up: 0, down: 0 },
  flapWindow: 3_600_000,
  paused: 'none',
};

interface Case {
  live?: Partial<Live>;
  limits?: Partial<Limits>;
  request?: Partial<ScaleRequest>;
  wish?: Wish;
}

export const step = (direction: 'up' | 'down', by?: number): Wish => ({
  kind: 'step',
  direction,
  ...(by === undefined ? {} : { by: { amount: by, unit: 'replicas' } }),
});

/** A service with three replicas, all of which run, and an alert that wants one more. */
export function facts({ live, limits, request, wish, ...more }: Case & Partial<Omit<Facts, keyof Case>> = {}): Facts {
  const replicas = live?.replicas ?? 3;
  return {
    now,
    live: {
      ...{ service: 'shop_web', stack: 'shop', mode: 'replicated', version: 7, replicas, running: replicas },
      ...{ outdated: 0, update: '' },
      ...live,
    } as Live,
    limits: { ...usual, ...limits },
    changes: [],
    holds: [],
    rules: [],
    ...more,
    request: {
      ...{ service: 'shop_web', wish: wish ?? step('up'), origin: 'alert', by: 'service-scale', alert: {} },
      ...request,
    } as ScaleRequest,
  };
}

const anyStep = fc.oneof(
  fc.record({ amount: fc.integer({ min: 1, max: 20 }), unit: fc.constant('replicas' as const) }),
  fc.record({ amount: fc.integer({ min: 1, max: 300 }), unit: fc.constant('percent' as const) }),
);

export const anyWish: fc.Arbitrary<Wish> = fc.oneof(
  fc.record({
    kind: fc.constant('step' as const),
    direction: fc.constantFrom('up' as const, 'down' as const),
    by: fc.option(anyStep, { nil: undefined }),
  }),
  fc.record({ kind: fc.constant('number' as const), replicas: fc.integer({ min: 0, max: 40 }) }),
  fc.record({
    kind: fc.constant('difference' as const),
    difference: fc.integer({ min: -20, max: 20 }).filter((each) => each !== 0),
  }),
);

export const anyLimits: fc.Arbitrary<Limits> = fc
  .record({
    low: fc.integer({ min: 0, max: 12 }),
    high: fc.integer({ min: 0, max: 12 }),
    upBy: anyStep,
    downBy: anyStep,
    stepLimit: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
    paused: fc.constantFrom('none' as const, 'none' as const, 'up' as const, 'down' as const, 'all' as const),
    up: fc.integer({ min: 0, max: 600_000 }),
    down: fc.integer({ min: 0, max: 600_000 }),
    stable: fc.integer({ min: 0, max: 120_000 }),
  })
  .map(({ low, high, up, down, stable, ...rest }) => ({
    ...rest,
    minimum: Math.min(low, high),
    maximum: Math.max(low, high),
    cooldown: { up, down },
    stabilization: { up: stable, down: stable },
    flapWindow: 3_600_000,
  }));

const anyChange = fc
  .record({
    ago: fc.integer({ min: 0, max: 7_200_000 }),
    from: fc.integer({ min: 0, max: 12 }),
    by: fc.integer({ min: -5, max: 5 }).filter((each) => each !== 0),
    id: fc.option(fc.constantFrom('a', 'b'), { nil: undefined }),
  })
  .map(({ ago, from, by, id }) => ({ at: now - ago, from, to: Math.max(0, from + by), by: 'x', id }))
  .filter(({ from, to }) => from !== to);

/** Anything that a decision may have to be made from. */
export const anyFacts: fc.Arbitrary<Facts> = fc
  .record({
    limits: anyLimits,
    replicas: fc.integer({ min: 0, max: 15 }),
    missing: fc.constantFrom(0, 0, 0, 1),
    outdated: fc.constantFrom(0, 0, 0, 2),
    update: fc.constantFrom(
      '',
      '',
      'completed',
      'updating',
      'paused',
      'rollback_started',
      'rollback_paused',
      'rollback_completed',
    ),
    rollout: fc.constantFrom(undefined, undefined, undefined, 'deploy by jane'),
    mode: fc.constantFrom('replicated' as const, 'replicated' as const, 'replicated' as const, 'global' as const),
    changes: fc.array(anyChange, { maxLength: 6 }),
    holds: fc.array(
      fc.record({
        only: fc.constantFrom(undefined, 'up' as const, 'down' as const),
        until: fc.constantFrom(now - 1, now + 60_000),
        by: fc.constant('jane'),
        reason: fc.constant('because'),
        source: fc.constantFrom('hold' as const, 'silence' as const),
      }),
      { maxLength: 1 },
    ),
    rules: fc.array(
      fc.record({
        direction: fc.constantFrom('up' as const, 'down' as const),
        upTo: fc.integer({ min: 0, max: 20 }),
        until: fc.constantFrom(now - 1, now + 60_000),
        author: fc.constant('jane'),
      }),
      { maxLength: 2 },
    ),
    wish: anyWish,
    origin: fc.constantFrom('alert' as const, 'alert' as const, 'person' as const),
    id: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }),
    firing: fc.constantFrom(undefined, true, false),
    age: fc.option(fc.integer({ min: 0, max: 1_200_000 }), { nil: undefined }),
  })
  .map(({ replicas, missing, outdated, update, rollout, mode, wish, origin, id, firing, age, changes, ...rest }) =>
    facts({
      ...rest,
      changes: changes.sort((a, b) => b.at - a.at),
      live: { replicas, running: Math.max(0, replicas - missing), outdated, update, rollout, mode },
      wish,
      request: { origin, id, alert: { firing, sentAt: age === undefined ? undefined : now - age } },
    }),
  );
