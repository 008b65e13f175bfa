import path from 'node:path';
import type { Context } from '../common/context';
import { request, type Engine } from '../common/engine';
import { fail } from '../common/errors';
import { formatDuration } from '../common/duration';
import { readFile, rm } from 'node:fs/promises';
import { buildImage } from '../image/build';
import { listStack } from '../swarm/services';
import type { Candidate } from './candidate';
import { candidateLabel, candidateName } from './candidate-plan';
import type { Config, TestConfig } from './config';
import { runContainer, type ContainerPlan } from '../swarm/container';
import { describeLoad, judgeLoad, type LoadReport } from './load';
import { buildPlan, readSecrets } from './images';
import type { Source } from './source';
import { requireService, type StackFile } from './stack-file';

export type TestKind = 'unit' | 'functional' | 'integration' | 'load' | 'production';
export const testKinds: TestKind[] = ['unit', 'functional', 'integration', 'load', 'production'];

export interface TestResult {
  name: TestKind;
  verdict: 'green';
  seconds: number;
  /** JUnit files, relative to the folder of homeostat.yml. */
  junit: string[];
  load?: LoadReport;
}

/** What the tests of one build share. */
export interface TestRun {
  engine: Engine;
  config: Config;
  source: Source;
  build: string;
  /** An image with Node.js in which the load test runs, made when it is first needed. */
  loadImage: () => Promise<string>;
  context: Context;
}

/** Folder of JUnit files and reports, below the folder of homeostat.yml. */
export const reportsFolder = 'homeostat-reports';

/**
 * Builds the unit test target and runs it; nothing when homeostat.yml names none.
 * @throws TEST_FAILED, TEST_TIMEOUT, BUILD_FAILED
 */
export async function unitTest(run: TestRun): Promise<TestResult | undefined> {
  const { unit } = run.config.tests;
  return unit && runTest(run, 'unit', unit, {});
}

/** Runs the tests that need the service running, one after the other, on the candidate's network. */
export async function candidateTests(run: TestRun, candidate: Candidate, kinds: TestKind[]): Promise<TestResult[]> {
  const { functional, integration, load } = run.config.tests;
  const place = { network: candidate.network, candidate: candidate.stack };
  const environment = serviceEnvironment(run.config, candidate.address);
  const results: TestResult[] = [];
  if (functional && kinds.includes('functional'))
    results.push(await runTest(run, 'functional', functional, environment, place));
  if (integration && kinds.includes('integration'))
    results.push(await runTest(run, 'integration', integration, environment, place));
  if (load && kinds.includes('load')) results.push(await loadTest(run, candidate));
  return results;
}

/**
 * Runs the production test against the address that users have, or on the service's own network where that can be
 * joined.
 */
export async function productionTest(run: TestRun, stack: string): Promise<TestResult | undefined> {
  const { production } = run.config.tests;
  if (!production) return undefined;
  if (production.url) return runTest(run, 'production', production, serviceEnvironment(run.config, production.url));
  const network = await joinableNetwork(run, stack);
  return runTest(
    run,
    'production',
    production,
    serviceEnvironment(run.config, `http://${stack}_${run.config.name}:${run.config.port}`),
    { network },
  );
}

/**
 * Holds a production test without address against the stack file: it has to find a network that it can join.
 * @throws CONFIG_INVALID, before anything is changed
 */
export function requireReachableProduction(config: Config, stack: StackFile): void {
  const { production } = config.tests;
  if (!production || production.url) return;
  const joined = requireService(stack, config.name).networks ?? ['default'];
  const names = Array.isArray(joined) ? (joined as string[]) : Object.keys(joined);
  const networks = (stack.resolved.networks ?? {}) as Record<
    string,
    { attachable?: unknown; external?: unknown } | null
  >;
  // What an external network allows is only known by the Swarm.
  if (names.some((name) => networks[name]?.external || String(networks[name]?.attachable) === 'true')) return;
  failUnreachable(`the service ${config.name} in ${stack.file}`);
}

function failUnreachable(service: string): never {
  return fail('CONFIG_INVALID', `tests.production cannot reach ${service}`, {
    cause: 'no network of the service is attachable, and tests.production.url is not set',
    remedy: 'Set tests.production.url to the address users have, or `attachable: true` on a network of the service.',
  });
}

async function joinableNetwork({ engine, config, context }: TestRun, stack: string): Promise<string> {
  const service = (await listStack(engine, stack, context)).find(({ Spec }) => Spec.Name === `${stack}_${config.name}`);
  for (const { Target } of service?.Spec.TaskTemplate.Networks ?? []) {
    const network = await request<{ Name: string; Attachable: boolean }>(engine, 'GET', `/networks/${Target}`);
    if (network.Attachable) return network.Name;
  }
  return failUnreachable(`${stack}_${config.name}`);
}

/** What a test finds in its environment. */
function serviceEnvironment(config: Config, address: string): Record<string, string> {
  const url = new URL(address);
  return {
    SERVICE_NAME: config.name,
    SERVICE_URL: url.origin + url.pathname.replace(/\/$/, ''),
    SERVICE_HOST: url.hostname,
    SERVICE_PORT: url.port || (url.protocol === 'https:' ? '443' : '80'),
  };
}

interface Place {
  network?: string;
  candidate?: string;
}

async function runTest(
  run: TestRun,
  kind: TestKind,
  test: Omit<TestConfig, 'image' | 'target'> & { image?: string | undefined; target?: string | undefined },
  environment: Record<string, string>,
  place: Place = {},
): Promise<TestResult> {
  const { engine, config, context } = run;
  const image = test.image ?? (await buildTestImage(run, kind, test.target!));
  const plan: ContainerPlan = {
    ...containerName(run, kind, place),
    image,
    ...(test.command ? { command: test.command } : {}),
    environment: { ...environment, ...test.environment },
    ...(place.network ? { network: place.network } : {}),
    timeout: test.timeout,
  };
  const reports = path.join(config.folder, reportsFolder, kind);
  // A workspace is used again and again: what an earlier run left would pass for results of this one.
  await rm(reports, { recursive: true, force: true });
  const result = await runContainer(engine, plan, reports, context).finally(() =>
    test.image ? undefined : dropTestImage(run, image),
  );
  const junit = result.junit.map((file) => path.relative(config.folder, file));
  const data = { test: { name: kind, verdict: 'red', seconds: result.seconds, exitCode: result.exitCode, junit } };
  if (result.timedOut)
    fail('TEST_TIMEOUT', `the ${kind} test did not end within ${formatDuration(test.timeout)}`, {
      evidence: result.tail,
      data,
    });
  if (result.exitCode !== 0)
    fail('TEST_FAILED', `the ${kind} test is red (exit code ${result.exitCode})`, { evidence: result.tail, data });
  context.log.info(`${kind} test green in ${result.seconds} s`);
  return { name: kind, verdict: 'green', seconds: result.seconds, junit };
}

function containerName({ config, build }: TestRun, kind: TestKind, place: Place) {
  const candidate = place.candidate ?? candidateName(config.name, build);
  return {
    name: `${candidate}-${kind}-${Math.random().toString(36).slice(2, 8)}`,
    labels: { [candidateLabel]: candidate },
  };
}

async function buildTestImage(run: TestRun, kind: TestKind, target: string): Promise<string> {
  const { engine, config, source, context } = run;
  // A tag of its own for each build: another build of the same service may run, or end, at any moment.
  const image = `homeostat-test/${config.name.replaceAll('_', '-')}:${kind}-${run.build}`;
  const plan = { ...buildPlan(config, image, source, context.version), target };
  await buildImage(engine, plan, await readSecrets(plan, config.folder, context), { ...context, cwd: config.folder });
  return image;
}

/** Images of tests are not kept; the build cache makes the next one fast. */
async function dropTestImage({ engine, context }: TestRun, image: string): Promise<void> {
  await request(engine, 'DELETE', `/images/${image}`, { query: { force: true } }).catch((error: unknown) =>
    context.log.debug(`${image} could not be removed: ${String(error)}`),
  );
}

async function loadTest(run: TestRun, candidate: Candidate): Promise<TestResult> {
  const { engine, config, context } = run;
  const load = config.tests.load!;
  const result = await runContainer(
    engine,
    {
      ...containerName(run, 'load', { candidate: candidate.stack }),
      image: await run.loadImage(),
      command: [
        'node',
        '/homeostat.cjs',
        'test',
        '--only',
        'load',
        '--address',
        candidate.address,
        '--config',
        '/homeostat.yml',
        '--json',
      ],
      environment: {},
      network: candidate.network,
      timeout: load.duration + 60_000,
      files: {
        '/homeostat.cjs': await readFile(context.runnerFile),
        '/homeostat.yml': Buffer.from(
          JSON.stringify({ name: config.name, image: config.image, tests: { load: asWritten(load) } }),
        ),
      },
    },
    path.join(config.folder, reportsFolder, 'load'),
    context,
  );
  const report = readReport(result.output);
  if (!report)
    fail('TEST_FAILED', 'the load test did not run', { cause: `exit code ${result.exitCode}`, evidence: result.tail });
  judgeLoad(report, load);
  context.log.info(`load test green: ${describeLoad(report)}`);
  return { name: 'load', verdict: 'green', seconds: result.seconds, junit: [], load: report };
}

/** The parsed load settings back in the form of homeostat.yml. */
const asWritten = (load: NonNullable<Config['tests']['load']>) => ({
  ...load,
  duration: `${load.duration}ms`,
  p95: `${load.p95}ms`,
  p99: `${load.p99}ms`,
});

function readReport(output: string): LoadReport | undefined {
  try {
    const document = JSON.parse(output) as { load?: LoadReport; error?: { load?: LoadReport } };
    return document.load ?? document.error?.load;
  } catch {
    return undefined;
  }
}
