import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { fail, HomeostatError, messageOf } from '../common/errors';
import { createRecord, readRecord, recordName, relabelRecord, removeRecord, type StoredRecord } from './store';

/** How often the holder shows that it is alive. */
const beatInterval = 1500;
/** A lease that shows no beat for this long, as watched by who wants it, has lost its holder. Clocks are never compared. */
const silence = 6000;
const look = 300;
/** Who holds a lease briefly is waited for: he is soon done, and another may be next. */
const briefLook = 50;
const patience = 15_000;

/** The lease under which a stack is changed. */
export const stackLease = (stack: string) => `stack ${stack}`;

export interface Lease {
  /** Aborts when the command is stopped or the lease is lost. */
  signal: AbortSignal;
  release(): Promise<void>;
}

interface Holder {
  holder: string;
  what: string;
  where: string;
  since: string;
  beat: string;
  /** It is given back after some milliseconds, so others wait for it. */
  brief?: 'yes';
}

/**
 * Takes the one lease of a subject, so that only one deploy of a stack runs at a time. The lease of a holder that died
 * is taken over after it was silent for some seconds.
 * @param options `brief`: it is held for some milliseconds only, and others are to wait instead of being refused
 * @throws LEASE_HELD naming who holds it
 */
export async function takeLease(
  engine: Engine,
  subject: string,
  what: string,
  context: Context,
  options: { brief?: boolean } = {},
): Promise<Lease> {
  const name = recordName('lease', subject);
  const labels: Holder = {
    holder: randomUUID(),
    what,
    where: context.env.BUILD_URL ?? hostname(),
    since: context.clock.now().toISOString(),
    beat: '0',
    ...(options.brief ? { brief: 'yes' } : {}),
  };
  const start = context.clock.monotonic();
  const asLabels = (holder: Holder) => ({ kind: 'lease', subject, ...holder });
  let watched: { version: number; since: number } | undefined;
  for (;;) {
    if (await createRecord(engine, name, asLabels(labels), {}, context)) break;
    const held = await readRecord<object>(engine, name, context);
    if (!held) continue;
    const brief = held.labels.brief !== undefined;
    const moved = watched !== undefined && watched.version !== held.version;
    if (moved && (!brief || context.clock.monotonic() - start > patience)) refuse(subject, held);
    if (!watched || moved) watched = { version: held.version, since: context.clock.monotonic() };
    if (context.clock.monotonic() - watched.since >= silence) {
      context.log.warn(
        `the lease on ${subject} was left by a ${held.labels.what} that died (${held.labels.where}); it is taken over`,
      );
      if (!(await relabelRecord(engine, held, asLabels(labels), context))) refuse(subject, held);
      break;
    }
    await context.clock.sleep(brief ? briefLook : look, context.signal);
  }
  return keepLease(engine, name, subject, labels, asLabels, context);
}

function refuse(subject: string, held: StoredRecord<object>): never {
  const { what, where, since } = held.labels;
  return fail('LEASE_HELD', `${subject} is being changed by somebody else`, {
    cause: `${what} by ${where} since ${since}`,
    data: { holder: { what, where, since } },
  });
}

function keepLease(
  engine: Engine,
  name: string,
  subject: string,
  holder: Holder,
  asLabels: (holder: Holder) => Record<string, string>,
  context: Context,
): Lease {
  const lost = new AbortController();
  const ended = new AbortController();
  const stillMine = async (count: number): Promise<boolean> => {
    const mine = await readRecord<object>(engine, name, context);
    if (mine?.labels.holder !== holder.holder) return false;
    await relabelRecord(engine, mine, asLabels({ ...holder, beat: String(count) }), context);
    return true;
  };
  const beat = async () => {
    let told = false;
    for (let count = 1; !ended.signal.aborted && !context.signal.aborted; count++) {
      await context.clock.sleep(beatInterval, ended.signal);
      try {
        if (await stillMine(count)) continue;
      } catch (error) {
        // An Engine that is away for a moment is no reason to stop: the next beat may come in time.
        if (!told && !ended.signal.aborted && !context.signal.aborted)
          context.log.warn(`the lease on ${subject} could not be renewed: ${messageOf(error)}`);
        told = true;
        continue;
      }
      lost.abort(
        new HomeostatError('DEPLOY_INTERFERED', `the lease on ${subject} was lost to somebody else`, {
          cause: 'this process, or the Swarm, did not answer for too long',
        }),
      );
      return;
    }
  };
  const beating = beat().catch(() => undefined);
  return {
    signal: AbortSignal.any([context.signal, lost.signal]),
    async release() {
      ended.abort(new Error('released'));
      await beating;
      // A stopped command still has to give its lease back, so the stop signal does not hold for this.
      const quiet = { ...context, signal: AbortSignal.timeout(3000) };
      const mine = await readRecord<object>(engine, name, quiet).catch(() => undefined);
      if (mine?.labels.holder === holder.holder) await removeRecord(engine, mine.id, quiet).catch(() => undefined);
    },
  };
}
