import { askAlertmanager } from '../common/ask-alertmanager';
import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { fail } from '../common/errors';
import { run } from '../common/process';
import type { JenkinsClient } from '../jenkins/client';
import { listQuestions } from '../people/questions';
import { readHistory } from '../scaling/history';
import { liveOf } from '../scaling/look';
import { findService, listTasks } from '../swarm/services';
import { wantedReplicas } from '../swarm/types';
import { exampleName } from './example';
import { scaleJob } from './scale-job';
import { startLoad, type Load } from './load';
import type { Door } from './traffic';

/** What happened, and seconds after its cause. */
export interface Moment {
  what: string;
  seconds: number;
}

export interface AdaptationResult {
  moments: Moment[];
  requests: number;
  failed: number;
}

export interface AdaptationParts {
  jobs: JenkinsClient;
  engine: Engine;
  door: Door;
  /** Address of Alertmanager on this machine. */
  alertmanager: string;
}

const service = `${exampleName}_${exampleName}`;
/** Requests a second: for two tasks and for three, the example's most, it is above the threshold of its alert; for four it is not. */
const rate = 180;
/** Milliseconds. */
const poll = 100;
const answerLimit = 5000;
const limits = { step: 90_000, calm: 240_000 };

export const adaptationTitle = 'load comes and goes: the cluster grows, asks a person at its limit, and shrinks again';

/** Whether the example was scaled before: its story is told once. */
export const wasScaled = async (engine: Engine, context: Context): Promise<boolean> =>
  (await readHistory(engine, service, context)).changes.length > 0;

/**
 * Shows how the cluster adapts: a load crosses the threshold of the example's alert, the alert starts the job, the job adds
 * a task; at the limit a person is asked and answers from the command line; the load ends, and the tasks are taken away.
 * @throws STORY_FAILED when something of it does not happen in time
 */
export async function tellAdaptation(parts: AdaptationParts, context: Context): Promise<AdaptationResult> {
  const { engine, door } = parts;
  const { stdout } = context;
  stdout.write(`\n▶ ${adaptationTitle}\n`);
  const moments: Moment[] = [];
  const story = new Story(moments, context);
  const before = await replicas(engine, context);
  const known = await parts.jobs.lastBuild(scaleJob);
  story.cause(`${rate} requests a second begin; ${before} tasks answer`);
  const asking = startLoad(door, rate, context);
  try {
    await story.until('the alert fires', limits.step, () => alertFires(parts.alertmanager, 'up', context));
    let newcomer = stranger(asking.load);
    await story.until(
      `the job ${scaleJob} runs`,
      limits.step,
      async () => (await parts.jobs.lastBuild(scaleJob)) > known,
    );
    await grows(parts, story, newcomer, before + 1, context);
    const question = await story.until('at its maximum: a person is asked', limits.step, () =>
      openQuestion(engine, context),
    );
    stdout.write(`  │ ${question.title}\n`);
    story.cause(`homeostat answer ${question.id} scale --reason 'the example shows it'`);
    newcomer = stranger(asking.load);
    await answer(question.id, context);
    await grows(parts, story, newcomer, before + 2, context);
  } finally {
    await asking.stop();
  }
  story.cause('the load ends');
  await story.until('the alert for calm fires', limits.calm, () => alertFires(parts.alertmanager, 'down', context));
  for (let count = before + 1; count >= before; count--)
    await story.until(`${count} tasks are left`, limits.calm, async () => (await replicas(engine, context)) <= count);
  const { requests, failed } = asking.load;
  stdout.write(`  ${requests} requests, ${failed} failed\n`);
  return { moments, requests, failed };
}

/** Whether a task has answered that had not when this was asked for. */
function stranger({ firstAnswers }: Load): () => boolean {
  const known = new Set(firstAnswers.keys());
  return () => [...firstAnswers.keys()].some((task) => !known.has(task));
}

/** A task more is wanted, runs, and answers. */
async function grows(
  { engine }: AdaptationParts,
  story: Story,
  newcomer: () => boolean,
  count: number,
  context: Context,
): Promise<void> {
  const { step } = limits;
  await story.until(`the Swarm is told: ${count} tasks`, step, async () => (await replicas(engine, context)) >= count);
  await story.until('the new task is well', step, async () => (await running(engine, context)) >= count);
  await story.until('the new task has answered a request', step, () => Promise.resolve(newcomer()));
}

/** Prints each moment with the time since its cause. */
class Story {
  private begin = 0;

  constructor(
    private readonly moments: Moment[],
    private readonly context: Context,
  ) {}

  cause(what: string): void {
    this.begin = this.context.clock.monotonic();
    this.context.stdout.write(`   0.0 s  ${what}\n`);
  }

  /** Waits until it is so. */
  async until<T>(what: string, limit: number, look: () => Promise<T | false | undefined>): Promise<T> {
    const { clock, signal, stdout } = this.context;
    const end = clock.monotonic() + limit;
    for (;;) {
      const found = await look();
      if (found) {
        const seconds = Math.round((clock.monotonic() - this.begin) / 100) / 10;
        this.moments.push({ what, seconds });
        stdout.write(`${seconds.toFixed(1).padStart(6)} s  ${what}\n`);
        return found;
      }
      if (clock.monotonic() > end)
        fail('STORY_FAILED', `the cluster did not adapt: not within ${limit / 1000} s was it so that ${what}`, {
          evidence: this.moments.map((moment) => `${moment.seconds} s: ${moment.what}`),
        });
      await clock.sleep(poll, signal);
    }
  }
}

const replicas = async (engine: Engine, context: Context): Promise<number> => {
  const found = await findService(engine, service, context);
  return (found && wantedReplicas(found.Spec)) ?? 0;
};

async function running(engine: Engine, context: Context): Promise<number> {
  const found = await findService(engine, service, context);
  return found ? liveOf(found, await listTasks(engine, [found.ID], context)).running : 0;
}

async function openQuestion(engine: Engine, context: Context) {
  const open = await listQuestions(engine, context, { open: true, kind: 'limit' });
  return open.find(({ question }) => question.subject === service)?.question;
}

/** By the command that a person types. */
async function answer(id: string, { env, runnerFile, signal }: Context): Promise<void> {
  const args = [runnerFile, 'answer', id, 'scale', '--reason', 'the example shows it'];
  const { code, stderr } = await run('node', args, { env, signal });
  if (code !== 0)
    fail('STORY_FAILED', `the question ${id} could not be answered`, { cause: stderr.trim().slice(-500) });
}

async function alertFires(address: string, direction: 'up' | 'down', context: Context): Promise<boolean> {
  const filters = [`service="${service}"`, `scale="${direction}"`];
  const query = new URLSearchParams(filters.map((filter): [string, string] => ['filter', filter]));
  try {
    return (await askAlertmanager<unknown[]>(address, `alerts?active=true&${query}`, answerLimit, context)).length > 0;
  } catch (error) {
    if (context.signal.aborted) throw error;
    return false;
  }
}
