import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from '../common/context';
import { secondsSince } from '../common/clock';
import { connectEngine, type Engine } from '../common/engine';
import { jobsFile } from './jobs-file';
import { jobList } from './job-list';
import { formerPeople, gitTokenFile, homeostatTokenFile, homeostatUser, jobUsers, tokenOf } from './job-tokens';
import { JenkinsClient } from '../jenkins/client';
import { adaptationTitle, tellAdaptation, wasScaled, type AdaptationResult } from './adaptation';
import { exampleName, exampleRepository, head, prepareExample, undoBadCommit, writeHook } from './example';
import { controllerStack, proxyStack, startController, startProxy } from './door';
import { answers } from './answers';
import { startJenkins } from './jenkins-stack';
import { buildImages, missingImages, systemImages, type BuiltImages } from './system-images';
import { planJenkins, type JenkinsPlan } from './jenkins-plan';
import { controllerEnvironment } from './controller-environment';
import { engineAnswers, engineNeeds, installPackages, missingPackages, startEngine } from './machine';
import { monitorStack, startMonitor } from './monitor';
import { ensureNetworks, proxyNetwork, systemNetwork } from './networks';
import {
  controllerFolder,
  registryAddress,
  registryStack,
  signIn,
  startJobs,
  startRegistry,
  type SystemSettings,
} from './services';
import { addToState, including } from './state';
import { chapters, tell, type ChapterResult } from './story';
import { ensureSwarm } from './swarm-init';
import { engineStacks, leaveEngine, otherEngine } from './switch-engine';
import type { EngineName } from './system-file';
import type { Door } from './traffic';

export interface UpSettings extends SystemSettings {
  /** Whether the example's commits are made and followed. */
  example: boolean;
  advertiseAddress?: string | undefined;
}

/** What `up` will do, as plain data: what --dry-run prints. */
export interface UpPlan {
  /** Path of system.yml, where there is one. */
  system?: string;
  /** Who runs the jobs. */
  engine: EngineName;
  /** Stack of the engine that runs now and is not wanted any more: it is removed when its builds have ended. */
  leaves?: string;
  /** What Jenkins is made of. */
  jenkins?: JenkinsPlan;
  install: string[];
  startEngine: boolean;
  images: string[];
  networks: string[];
  stacks: string[];
  folder: string;
  /** Where services are reached on every node. */
  door: string;
  registry: string;
  jobs: string;
  jobNames: string[];
  people: string[];
  prometheus: string;
  alertmanager: string;
  example: string[];
}

/** Lets users in at the embedded job server, and keeps those out who are gone; handed in because it is a part of its own. */
export type LetIn = (
  data: string,
  tokens: { user: string; token: string; rights: string }[],
  gone: string[],
) => Promise<void>;

export interface UpResult {
  seconds: number;
  door: string;
  registry: string;
  jobs: string;
  prometheus: string;
  alertmanager: string;
  page: string;
  /** File with the token of those who may also answer questions there. */
  pageToken: string;
  checkout?: string;
  chapters: ChapterResult[];
  /** Told once in the life of an example. */
  adaptation?: AdaptationResult;
}

/** What is reached on the node itself, through the door. */
const local = (port: number) => `http://127.0.0.1:${port}`;

const doorAddress = ({ httpPort }: SystemSettings) => `http://127.0.0.1${httpPort === 80 ? '' : `:${httpPort}`}`;

/** The example as its labels say that it is reached: by domain, and by path. */
const doors = (settings: SystemSettings): Door[] => [
  { url: `${doorAddress(settings)}/`, host: `${exampleName}.localhost` },
  { url: `${doorAddress(settings)}/${exampleName}`, host: '127.0.0.1' },
];

/**
 * Looks at the machine and plans; changes nothing.
 * @throws USAGE_INVALID where the operator's settings are wrong
 */
export async function planUp(settings: UpSettings, context: Context): Promise<UpPlan> {
  await controllerEnvironment(settings);
  const running = await engineAnswers(context);
  const needs = running
    ? engineNeeds.filter((need) => need.program !== 'dockerd' && need.program !== 'iptables')
    : engineNeeds;
  const engine = connectEngine(context);
  const images = Object.values(await systemImages(settings, context));
  const missing = running ? await missingImages(engine, images) : images;
  const history = (await head(exampleRepository(settings.folder), context)) !== undefined;
  const { system } = settings;
  const leaves = running ? await otherEngine(engine, system.engine, context).catch(() => undefined) : undefined;
  return {
    ...(system.file === undefined ? {} : { system: system.file }),
    engine: system.engine,
    ...(leaves ? { leaves: engineStacks[leaves].stack } : {}),
    ...(system.engine === 'jenkins' ? { jenkins: await planJenkins(settings, context) } : {}),
    install: await missingPackages(needs, context),
    startEngine: !running,
    images: missing.map((image) => image.name),
    networks: [systemNetwork, proxyNetwork],
    stacks: [
      ...(system.registry ? [] : [registryStack]),
      ...[controllerStack, proxyStack, engineStacks[system.engine].stack, monitorStack],
    ],
    folder: settings.folder,
    door: doorAddress(settings),
    registry: registryAddress(settings),
    jobs: local(settings.jobsPort),
    jobNames: jobList(settings).map(({ name }) => name),
    people: system.people.map(({ name }) => name),
    prometheus: local(settings.prometheusPort),
    alertmanager: local(settings.alertmanagerPort),
    example: settings.example
      ? [...chapters(history).map((chapter) => chapter.title), ...(history ? [] : [adaptationTitle])]
      : [],
  };
}

/**
 * Brings the system up: what is missing is installed and started, images are built, registry and job server run as Swarm
 * services, and the example travels from a push to a running service. Safe to repeat.
 */
export async function bringUp(settings: UpSettings, plan: UpPlan, letIn: LetIn, context: Context): Promise<UpResult> {
  const start = context.clock.monotonic();
  const say = (text: string) => context.stdout.write(`${text} (${secondsSince(context.clock, start).toFixed(0)} s)\n`);
  await mkdir(settings.folder, { recursive: true });
  const { file } = settings.system;
  if (file !== undefined) await addToState(settings.folder, (state) => ({ ...state, systemFile: file }));
  if (plan.install.length > 0) {
    context.stdout.write(`installing ${plan.install.join(', ')}\n`);
    await installPackages(plan.install, settings.folder, context);
  }
  if (!(await engineAnswers(context))) await startEngine(settings.folder, context);
  say('Docker answers');
  const engine = connectEngine(context);
  const swarm = await ensureSwarm(engine, settings.folder, { advertiseAddress: settings.advertiseAddress }, context);
  say(swarm === 'made' ? 'a Swarm of one manager was made' : 'this node is a manager of a Swarm');

  const images = await buildImages(engine, settings, context);
  await ensureNetworks(engine, settings.folder, context);
  const { runner } = images;
  await Promise.all([
    images.registry && startRegistry(engine, await images.registry, settings, context),
    startController(engine, runner, settings, context),
  ]);
  say('the controller runs');
  await startProxy(engine, await images.proxy, settings, context);
  say(`the door is open at ${plan.door}`);
  await makeTokens(settings, letIn, context);
  await signIn(settings, context);
  await Promise.all([
    startJobEngine(engine, images, settings, context),
    images.monitor.then((monitor) => startMonitor(engine, { runner, monitor }, settings, context)),
  ]);
  if (!settings.system.registry) await answers('the registry', `http://${plan.registry}/v2/`, context);
  say(settings.system.registry ? `images go to ${plan.registry}` : `the registry runs at ${plan.registry}`);
  await answers(jobEngineNames[settings.system.engine], `${plan.jobs}/login`, context);
  say(`${jobEngineNames[settings.system.engine]} runs at ${plan.jobs}`);
  await answers('Prometheus', `${plan.prometheus}/-/ready`, context);
  await answers('Alertmanager', `${plan.alertmanager}/-/ready`, context);
  say(`Prometheus runs at ${plan.prometheus}, Alertmanager at ${plan.alertmanager}`);
  const told = settings.example ? await runExample(engine, settings, context) : undefined;
  return {
    seconds: secondsSince(context.clock, start),
    door: plan.door,
    registry: plan.registry,
    jobs: plan.jobs,
    prometheus: plan.prometheus,
    alertmanager: plan.alertmanager,
    page: plan.door.replace('127.0.0.1', `homeostat.${settings.system.domain}`),
    pageToken: path.join(controllerFolder(settings.folder), 'writer-token'),
    chapters: told?.chapters ?? [],
    ...(told ? { checkout: told.checkout } : {}),
    ...(told?.adaptation ? { adaptation: told.adaptation } : {}),
  };
}

async function runExample(
  engine: Engine,
  settings: UpSettings,
  context: Context,
): Promise<{ chapters: ChapterResult[]; checkout: string; adaptation?: AdaptationResult }> {
  const history = (await head(exampleRepository(settings.folder), context)) !== undefined;
  const repository = await prepareExample(settings.folder, registryAddress(settings), context);
  await addToState(settings.folder, (state) => ({ ...state, stacks: including(state.stacks, exampleName) }));
  const token = await tokenOf({ file: gitTokenFile(settings.folder) }, context);
  await writeHook(repository, local(settings.jobsPort), token);
  await undoBadCommit(repository, context);
  const own = await tokenOf({ file: homeostatTokenFile(settings.folder) }, context);
  const access = { url: local(settings.jobsPort), user: homeostatUser, token: own };
  const client = new JenkinsClient(access, context);
  const told: ChapterResult[] = [];
  for (const chapter of chapters(history))
    told.push(await tell(chapter, repository, client, engine, doors(settings), context));
  if (await wasScaled(engine, context)) return { chapters: told, checkout: repository.checkout };
  const adaptation = await tellAdaptation(
    { jobs: client, engine, door: doors(settings)[0]!, alertmanager: local(settings.alertmanagerPort) },
    context,
  );
  return { chapters: told, checkout: repository.checkout, adaptation };
}

const jobEngineNames = { embedded: 'the job server', jenkins: 'Jenkins' } as const;

/** Starts the wanted engine of jobs in place of the other one, once all that it needs is there. */
async function startJobEngine(
  engine: Engine,
  images: BuiltImages,
  settings: UpSettings,
  context: Context,
): Promise<void> {
  const wanted = settings.system.engine;
  const built = wanted === 'jenkins' ? { jenkins: await images.jenkins!, agent: await images.agent! } : undefined;
  const other = await otherEngine(engine, wanted, context);
  if (other) await leaveEngine(engine, other, settings, context);
  if (built) await startJenkins(engine, built, settings, context);
  else await startJobs(engine, images.runner, jobsFile(settings), settings, context);
  await addToState(settings.folder, (state) => ({ ...state, jobEngine: wanted }));
}

/** The tokens of all who ask the engine of jobs. */
async function makeTokens(settings: UpSettings, letIn: LetIn, context: Context): Promise<void> {
  const users = jobUsers(settings);
  const gone = await formerPeople(settings);
  const tokens = await Promise.all(
    users.map(async (user) => ({ user: user.name, rights: user.rights, token: await tokenOf(user, context) })),
  );
  await letIn(path.join(settings.folder, 'jobs'), tokens, gone);
}
