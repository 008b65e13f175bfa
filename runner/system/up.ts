import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from '../common/context';
import { secondsSince } from '../common/clock';
import { connectEngine, type Engine } from '../common/engine';
import { baseImage, rootfsCache } from './base-image';
import { exampleName, exampleRepository, head, prepareExample, undoBadCommit, writeHook } from './example';
import { controllerStack, proxyStack, startController, startProxy } from './door';
import { ensureImage, imageExists, imageId, proxyImage, registryImage, runnerImage, type SystemImage } from './images';
import { JobClient } from './job-client';
import { engineAnswers, engineNeeds, installPackages, missingPackages, startEngine } from './machine';
import { ensureNetworks, proxyNetwork, systemNetwork } from './networks';
import { registryAnswers } from './registry-answers';
import { jobsStack, registryAddress, registryStack, startJobs, startRegistry, type SystemSettings } from './services';
import { addToState, including } from './state';
import { chapters, tell, type ChapterResult } from './story';
import { ensureSwarm } from './swarm-init';
import type { Door } from './traffic';

export interface UpSettings extends SystemSettings {
  /** Whether the example's commits are made and followed. */
  example: boolean;
  advertiseAddress?: string | undefined;
}

/** What `up` will do, as plain data: what --dry-run prints. */
export interface UpPlan {
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
  example: string[];
}

/** Makes an API token of the job server; handed in because the job server is a part of its own. */
export type MakeToken = (data: string, user: string, rights: string) => Promise<string>;

export interface UpResult {
  seconds: number;
  door: string;
  registry: string;
  jobs: string;
  checkout?: string;
  chapters: ChapterResult[];
}

const jobsAddress = ({ jobsPort }: SystemSettings) => `http://127.0.0.1:${jobsPort}`;

const doorAddress = ({ httpPort }: SystemSettings) => `http://127.0.0.1${httpPort === 80 ? '' : `:${httpPort}`}`;

/** The example as its labels say that it is reached: by domain, and by path. */
const doors = (settings: SystemSettings): Door[] => [
  { url: `${doorAddress(settings)}/`, host: `${exampleName}.localhost` },
  { url: `${doorAddress(settings)}/${exampleName}`, host: '127.0.0.1' },
];

/** Looks at the machine and plans; changes nothing. */
export async function planUp(settings: UpSettings, context: Context): Promise<UpPlan> {
  const answers = await engineAnswers(context);
  const needs = answers
    ? engineNeeds.filter((need) => need.program !== 'dockerd' && need.program !== 'iptables')
    : engineNeeds;
  const engine = connectEngine(context);
  const images = [await runnerImage(context), await registryImage(context), await proxyImage(context)];
  const missing = answers ? await missingImages(engine, images) : images;
  const history = (await head(exampleRepository(settings.folder), context)) !== undefined;
  return {
    install: await missingPackages(needs, context),
    startEngine: !answers,
    images: missing.map((image) => image.name),
    networks: [systemNetwork, proxyNetwork],
    stacks: [registryStack, controllerStack, proxyStack, jobsStack],
    folder: settings.folder,
    door: doorAddress(settings),
    registry: registryAddress(settings),
    jobs: jobsAddress(settings),
    example: settings.example ? chapters(history).map((chapter) => chapter.title) : [],
  };
}

async function missingImages(engine: Engine, images: SystemImage[]): Promise<SystemImage[]> {
  const present = await Promise.all(images.map((image) => imageExists(engine, image.name)));
  return images.filter((_image, index) => !present[index]);
}

/**
 * Brings the system up: what is missing is installed and started, images are built, registry and job server run as Swarm
 * services, and the example travels from a push to a running service. Safe to repeat.
 */
export async function bringUp(
  settings: UpSettings,
  plan: UpPlan,
  makeToken: MakeToken,
  context: Context,
): Promise<UpResult> {
  const start = context.clock.monotonic();
  const say = (text: string) => context.stdout.write(`${text} (${secondsSince(context.clock, start).toFixed(0)} s)\n`);
  await mkdir(settings.folder, { recursive: true });
  if (plan.install.length > 0) {
    context.stdout.write(`installing ${plan.install.join(', ')}\n`);
    await installPackages(plan.install, settings.folder, context);
  }
  if (!(await engineAnswers(context))) await startEngine(settings.folder, context);
  say('Docker answers');
  const engine = connectEngine(context);
  const swarm = await ensureSwarm(engine, settings.folder, { advertiseAddress: settings.advertiseAddress }, context);
  say(swarm === 'made' ? 'a Swarm of one manager was made' : 'this node is a manager of a Swarm');

  await noteBaseImage(engine, settings);
  const runner = await buildOne(engine, await runnerImage(context), settings, context);
  const registry = await buildOne(engine, await registryImage(context), settings, context);
  const proxy = await buildOne(engine, await proxyImage(context), settings, context);
  say('images are there');
  await ensureNetworks(engine, settings.folder, context);
  await startRegistry(engine, registry, settings, context);
  await startController(engine, runner, settings, context);
  say('the controller runs');
  await startProxy(engine, proxy, settings, context);
  say(`the door is open at ${plan.door}`);
  await registryAnswers(plan.registry, context);
  say(`the registry runs at ${plan.registry}`);
  await startJobs(engine, runner, jobsFile(settings), settings, context);
  say(`the job server runs at ${plan.jobs}`);
  const told = settings.example ? await runExample(engine, settings, makeToken, context) : undefined;
  return {
    seconds: secondsSince(context.clock, start),
    door: plan.door,
    registry: plan.registry,
    jobs: plan.jobs,
    chapters: told?.chapters ?? [],
    ...(told ? { checkout: told.checkout } : {}),
  };
}

/** A base image that is not there yet will be made, and is then a thing to remove again. */
async function noteBaseImage(engine: Engine, settings: UpSettings): Promise<void> {
  if (await imageExists(engine, baseImage)) return;
  await addToState(settings.folder, (state) => ({
    ...state,
    images: including(state.images, baseImage),
    folders: including(state.folders, rootfsCache),
  }));
}

/** The id of an image, which is built where it is missing. */
async function buildOne(engine: Engine, image: SystemImage, settings: UpSettings, context: Context): Promise<string> {
  await addToState(settings.folder, (state) => ({
    ...state,
    images: including(state.images, image.name, `${image.repository}:latest`),
  }));
  const name = await ensureImage(engine, image, context);
  return (await imageId(engine, name)) ?? name;
}

/** The jobs of a fresh system: the example's pipeline. JSON is YAML. */
function jobsFile(settings: UpSettings): string {
  const jobs = {
    [exampleName]: {
      description: 'The example service',
      repository: exampleRepository(settings.folder).url,
      branches: ['main'],
    },
  };
  return `${JSON.stringify({ executors: 2, keep: { builds: 50 }, jobs }, null, 2)}\n`;
}

async function runExample(
  engine: Engine,
  settings: UpSettings,
  makeToken: MakeToken,
  context: Context,
): Promise<{ chapters: ChapterResult[]; checkout: string }> {
  const history = (await head(exampleRepository(settings.folder), context)) !== undefined;
  const repository = await prepareExample(settings.folder, registryAddress(settings), context);
  await addToState(settings.folder, (state) => ({ ...state, stacks: including(state.stacks, exampleName) }));
  const token = await keptToken(settings, makeToken);
  context.masker.add(token);
  await writeHook(repository, jobsAddress(settings), token);
  await undoBadCommit(repository, context);
  const client = new JobClient(jobsAddress(settings), 'git', token, context);
  const told: ChapterResult[] = [];
  for (const chapter of chapters(history))
    told.push(await tell(chapter, repository, client, engine, doors(settings), context));
  return { chapters: told, checkout: repository.checkout };
}

/** The token with which the git hook asks for builds, made once. */
async function keptToken(settings: UpSettings, makeToken: MakeToken): Promise<string> {
  const file = path.join(settings.folder, 'git-token');
  const kept = await readFile(file, 'utf8').catch(() => '');
  if (kept) return kept.trim();
  const token = await makeToken(path.join(settings.folder, 'jobs'), 'git', '*:read+build');
  await writeFile(file, `${token}\n`, { mode: 0o600 });
  return token;
}

/** What to know and to try next. */
export function renderUp(result: UpResult): string {
  const lines = [
    '',
    `up after ${Math.round(result.seconds)} s`,
    `  door        ${result.door}`,
    `  registry    ${result.registry}`,
    `  job server  ${result.jobs}`,
  ];
  if (result.checkout) {
    lines.push(
      `  example     ${result.checkout}`,
      '',
      'next:',
      `  curl -H 'Host: ${exampleName}.localhost' ${result.door}/     or ${result.door}/${exampleName}`,
      `  cd ${result.checkout} && $EDITOR greeting.js && git commit -am 'My change' && git push origin main`,
      '  homeostat releases --stack greeter     what ran, and what can be gone back to',
      '  homeostat rollback --stack greeter     go back one release',
    );
  }
  lines.push(
    '  homeostat status                       what runs',
    '  npm run down                           take it all down',
  );
  return lines.join('\n');
}
