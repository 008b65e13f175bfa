import { readFile, rm } from 'node:fs/promises';
import type { Context } from '../common/context';
import { connectEngine, request, type Engine } from '../common/engine';
import { messageOf } from '../common/errors';
import { run } from '../common/process';
import { listServices } from '../swarm/services';
import { removeStack } from '../swarm/stack';
import { listRecords, removeRecord } from '../swarm/store';
import { changeDockerLogin } from './credentials';
import { engineAnswers } from './machine';
import { exampleName } from './example';
import { systemLabel } from './images';
import { unlabelNodes } from './node-labels';
import { readState, type SystemState } from './state';

/** What `down` removes, as plain data: exactly what `up` noted to have made. */
export interface DownPlan {
  stacks: string[];
  images: string[];
  networks: string[];
  nodeLabels: string[];
  logins: string[];
  leaveSwarm: boolean;
  stopEngine: SystemState['engine'] | undefined;
  folder: string;
  /** Other folders that were made. */
  folders: string[];
  /** Packages that `up` installed; they stay, because other things may use them by now. */
  packagesKept: string[];
}

const removalLimit = 60_000;

/** Reads what was made; changes nothing. */
export async function planDown(folder: string, context: Context): Promise<DownPlan> {
  const state = await readState(folder);
  const others =
    (await engineAnswers(context)) && state.swarm ? await foreignServices(connectEngine(context), state, context) : [];
  if (others.length > 0)
    context.log.warn(
      `the Swarm stays, because it runs services that are not of this system: ${others.slice(0, 5).join(', ')}`,
    );
  return {
    stacks: state.stacks,
    images: state.images,
    networks: state.networks,
    nodeLabels: state.nodeLabels,
    logins: state.logins,
    leaveSwarm: Boolean(state.swarm) && others.length === 0,
    stopEngine: others.length === 0 ? state.engine : undefined,
    folder,
    folders: state.folders,
    packagesKept: state.packages,
  };
}

async function foreignServices(engine: Engine, state: SystemState, context: Context): Promise<string[]> {
  const services = await listServices(engine, context).catch(() => []);
  return services
    .map(({ Spec }) => Spec)
    .filter(({ Labels }) => !state.stacks.includes(Labels?.['com.docker.stack.namespace'] ?? ''))
    .map(({ Name }) => Name);
}

/** Removes what the plan lists; what is gone already is fine. */
export async function takeDown(plan: DownPlan, context: Context): Promise<void> {
  if (await engineAnswers(context)) await clearEngine(connectEngine(context), plan, context);
  for (const address of plan.logins) await changeDockerLogin(address, undefined, context);
  if (plan.stopEngine) await stopEngine(plan.stopEngine, context);
  for (const folder of [plan.folder, ...plan.folders]) await rm(folder, { recursive: true, force: true });
}

async function clearEngine(engine: Engine, plan: DownPlan, context: Context): Promise<void> {
  const tried = async (what: string, work: () => Promise<unknown>) => {
    await work().catch((error: unknown) => {
      if (context.signal.aborted) throw context.signal.reason;
      context.log.debug(`${what}: ${messageOf(error)}`);
    });
  };
  for (const stack of [...plan.stacks].reverse()) {
    context.log.info(`removing the stack ${stack}`);
    const left = await removeStack(engine, stack, removalLimit, context).catch((error: unknown) => [messageOf(error)]);
    if (left.length > 0) context.log.warn(`of ${stack} there is left: ${left.join('; ')}`);
  }
  if (plan.stacks.includes(exampleName)) {
    await tried('removing records', async () => {
      for (const record of await listRecords(engine, { stack: exampleName }, context))
        await removeRecord(engine, record.id, context);
    });
  }
  await tried('removing labels of nodes', () => unlabelNodes(engine, plan.nodeLabels, context));
  for (const network of plan.networks)
    await tried(`removing the network ${network}`, () => request(engine, 'DELETE', `/networks/${network}`));
  for (const image of [...plan.images, ...(await exampleImages(engine, plan))]) {
    await tried(`removing ${image}`, () => request(engine, 'DELETE', `/images/${image}`, { query: { force: true } }));
  }
  if (plan.leaveSwarm) {
    context.log.info('leaving the Swarm that up had made');
    await tried('leaving the Swarm', () => request(engine, 'POST', '/swarm/leave', { query: { force: true } }));
  }
}

interface ImageSummary {
  Id: string;
  RepoTags: string[] | null;
  Labels: Record<string, string> | null;
}

/** Images that builds of the example left on this Engine: tags of its own, and layers that lost their tag to a later build. */
async function exampleImages(engine: Engine, plan: DownPlan): Promise<string[]> {
  if (!plan.stacks.includes(exampleName)) return [];
  const images = await request<ImageSummary[]>(engine, 'GET', '/images/json').catch(() => []);
  const own = (tag: string) =>
    tag.startsWith(`homeostat-test/${exampleName}:`) ||
    plan.logins.some((login) => tag.startsWith(`${login}/examples/${exampleName}:`));
  return images.flatMap(({ Id, RepoTags, Labels }) => {
    const tags = (RepoTags ?? []).filter((tag) => tag !== '<none>:<none>');
    const untagged =
      tags.length === 0 &&
      (Labels?.['org.opencontainers.image.title'] === exampleName || Labels?.[systemLabel] !== undefined);
    return untagged ? [Id] : tags.filter(own);
  });
}

async function stopEngine(engine: NonNullable<SystemState['engine']>, context: Context): Promise<void> {
  if (engine.by === 'systemd') {
    await run('systemctl', ['disable', '--now', 'docker', 'docker.socket'], { env: context.env, timeout: 60_000 });
    return;
  }
  const name = await readFile(`/proc/${engine.pid}/comm`, 'utf8').catch(() => '');
  if (name.trim() !== 'dockerd') return;
  context.log.info(`stopping dockerd (pid ${engine.pid})`);
  await run('kill', [String(engine.pid)], { env: context.env });
  for (let tries = 0; tries < 100; tries++) {
    if ((await readFile(`/proc/${engine.pid}/comm`, 'utf8').catch(() => '')) === '') return;
    await context.clock.sleep(200, context.signal);
  }
}
