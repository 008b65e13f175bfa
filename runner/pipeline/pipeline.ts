import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from '../common/context';
import { secondsSince } from '../common/clock';
import type { Engine } from '../common/engine';
import { HomeostatError } from '../common/errors';
import { buildImage } from '../image/build';
import { pushImage, tagRelease } from '../image/push';
import { formatImage, parseImage, withTag, type ImageReference } from '../image/reference';
import { listServices, listStack } from '../swarm/services';
import { requireApproval } from './approval';
import { findLeftovers, removeAbandoned, withCandidate } from './candidate';
import { candidateName, requireCandidateNames } from './candidate-plan';
import type { Config } from './config';
import { deployStackFile, prepareStackDeploy, type DeploySettings } from './deploy';
import { buildPlan, readSecrets } from './images';
import type { Origin } from './releases';
import { failedReport, renderReport, skip, stage, writeReport, type PipelineReport } from './report';
import { readSource, type Source } from './source';
import { readStackFile, requireService, type StackFile } from './stack-file';
import { buildTag, releaseTags } from './tags';
import {
  candidateTests,
  productionTest,
  reportsFolder,
  requireReachableProduction,
  testKinds,
  unitTest,
  type TestRun,
} from './tests';

export interface PipelinePlan {
  service: string;
  build: string;
  stack: string;
  image: string;
  tags: string[];
  tests: string[];
  stages: string[];
  deadline: number;
  monitor: number;
}

export interface PipelineInput {
  config: Config;
  build: string;
  by: string;
  approvedBy?: string | undefined;
  loadImage: (engine: Engine) => Promise<string>;
}

interface Prepared {
  source: Source;
  image: ImageReference;
  tags: string[];
  stack: StackFile;
  plan: PipelinePlan;
}

/** Reads and checks all that the pipeline needs, before it does anything. */
export async function preparePipeline({ config, build }: PipelineInput, context: Context): Promise<Prepared> {
  const source = await readSource(config.folder, context);
  const stack = await readStackFile(config.stack, config.folder, context);
  requireService(stack, config.name);
  requireReachableProduction(config, stack);
  requireCandidateNames(stack, config, build);
  const image = withTag(parseImage(config.image), buildTag(source, build));
  const tags = releaseTags(config.tags, source, build, context.clock.now());
  const tests = testKinds.filter((kind) => config.tests[kind]);
  const plan: PipelinePlan = {
    service: config.name,
    build,
    stack: config.deploy.stack ?? config.name,
    image: formatImage(image),
    tags,
    tests,
    stages: ['unit', 'build', 'push', 'candidate', 'release', 'deploy', 'verify'],
    deadline: config.deploy.deadline,
    monitor: config.deploy.monitor,
  };
  return { source, image, tags, stack, plan };
}

/** The settings of a deploy as homeostat.yml has them. */
export const deploySettings = ({ deploy }: Config): DeploySettings => ({
  deadline: deploy.deadline,
  monitor: deploy.monitor,
  policy: deploy.policy,
  keep: deploy.keep,
});

/** Who deploys what, for the record of the release. */
export function originOf(source: Source, build: string, by: string, at: Date, approvedBy?: string): Origin {
  return {
    kind: 'deploy',
    by,
    at: at.toISOString(),
    build,
    ...(source.revision ? { revision: source.revision } : {}),
    ...(source.url ? { source: source.url } : {}),
    ...(approvedBy ? { approvedBy } : {}),
  };
}

/**
 * From a checkout to a verified release, stage by stage; the report is written whatever happens.
 * @throws the error of the stage that failed, with the report in its data
 */
export async function runPipeline(
  engine: Engine,
  input: PipelineInput,
  prepared: Prepared,
  context: Context,
): Promise<PipelineReport> {
  const start = context.clock.monotonic();
  const { config, build } = input;
  const report: PipelineReport = {
    service: config.name,
    build,
    verdict: 'done',
    ...(prepared.source.revision ? { revision: prepared.source.revision } : {}),
    stages: [],
    tests: [],
    seconds: 0,
  };
  const end = async () => {
    report.seconds = secondsSince(context.clock, start);
  };
  await rm(path.join(config.folder, reportsFolder), { recursive: true, force: true });
  try {
    await deliver(engine, input, prepared, report, context);
    await end();
    await writeReport(report, config.folder, context);
    return report;
  } catch (thrown) {
    await end();
    const failed = failedReport(report, thrown);
    await writeReport(failed.report, config.folder, context).catch((error: unknown) =>
      context.log.warn(`the report could not be written: ${String(error)}`),
    );
    const { error } = failed;
    context.log.info(renderReport(failed.report));
    throw new HomeostatError(error.code, error.message, {
      ...(error.causeText ? { cause: error.causeText } : {}),
      remedy: error.remedy,
      evidence: error.evidence,
      data: { ...error.data, report: failed.report },
    });
  }
}

async function deliver(
  engine: Engine,
  input: PipelineInput,
  { source, image, tags, stack, plan }: Prepared,
  report: PipelineReport,
  context: Context,
): Promise<void> {
  const { config, build, by, approvedBy } = input;
  const folder = { ...context, cwd: config.folder };
  const run: TestRun = { engine, config, source, build, context, loadImage: () => input.loadImage(engine) };
  // Asked first, so that a machine that is no manager is told so before anything is built.
  await listServices(engine, context);
  const leftovers = removeLeftovers(engine, config.name, candidateName(config.name, build), context);
  leftovers.catch(() => undefined);

  if (config.tests.unit) report.tests.push((await stage(report, 'unit', context, () => unitTest(run)))!);
  else skip(report, 'unit');

  const built = buildPlan(config, formatImage(image), source, context.version);
  await stage(report, 'build', context, async () =>
    buildImage(engine, built, await readSecrets(built, config.folder, context), folder),
  );
  report.image = formatImage(image);

  const pushed = await stage(report, 'push', context, () => pushImage(engine, image, context));
  report.reference = pushed.reference;
  const tested = parseImage(pushed.reference);
  await leftovers;

  const { value, removed } = await stage(report, 'candidate', context, () =>
    withCandidate(
      engine,
      stack,
      config,
      build,
      pushed.reference,
      (candidate) => candidateTests(run, candidate, testKinds),
      context,
    ),
  );
  report.tests.push(...value);
  // The candidate goes away while the release is made.
  const gone = async () => {
    const start = context.clock.monotonic();
    await removed;
    report.removal = (report.removal ?? 0) + secondsSince(context.clock, start);
  };
  try {
    await stage(report, 'release', context, () => tagRelease(engine, tested, tags, context));
    report.tags = tags;
    const approver = await requireApproval(
      engine,
      config,
      {
        ...{
          stack: plan.stack,
          reference: pushed.reference,
          digest: tested.digest!,
          folder: config.folder,
          askedBy: by,
        },
        ...(source.revision ? { revision: source.revision } : {}),
        verdicts: report.tests.map(({ name, seconds }) => `${name}: green in ${seconds.toFixed(1)} s`),
      },
      approvedBy,
      context,
    );
    const settings = deploySettings(config);
    // The networks of a new stack may get the addresses of those that are going; an Engine that still has the old ones
    // then rejects its tasks ("Pool overlaps with other one on this address space").
    if ((await listStack(engine, plan.stack, context)).length === 0) await gone();
    const release = await stage(report, 'deploy', context, async () => {
      const deployPlan = await prepareStackDeploy(engine, stack, plan.stack, config.name, tested, settings, context);
      return deployStackFile(
        engine,
        stack,
        deployPlan,
        config.name,
        tested,
        originOf(source, build, by, context.clock.now(), approver),
        settings,
        context,
      );
    });
    report.stack = plan.stack;
    report.release = release.number;
    if (config.tests.production)
      report.tests.push((await stage(report, 'verify', context, () => productionTest(run, plan.stack)))!);
    else skip(report, 'verify');
  } finally {
    await gone();
  }
}

/** Removes what killed runs of this service left behind. */
async function removeLeftovers(engine: Engine, service: string, own: string, context: Context): Promise<void> {
  for (const name of await findLeftovers(engine, service, context)) {
    if (name === own) continue;
    context.log.warn(`the candidate ${name} was left behind by a run that was killed; removing it`);
    await removeAbandoned(engine, name, context);
  }
}
