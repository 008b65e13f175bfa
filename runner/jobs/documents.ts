import { causeDocument } from './causes';
import { colourOf, permalinks, resolveBuild } from './builds';
import type { Build, Job, QueueItem, Revision } from './model';
import { whyWaiting } from './queue';

/** Jenkins' JSON shows no more builds of a job. */
const mostBuilds = 100;
const jobClass = 'org.jenkinsci.plugins.workflow.job.WorkflowJob';
const buildClass = 'org.jenkinsci.plugins.workflow.job.WorkflowRun';

export const jobUrl = (root: string, job: string) => `${root}job/${job}/`;
export const buildUrl = (root: string, build: { job: string; number: number }) =>
  `${jobUrl(root, build.job)}${build.number}/`;

const buildReference = (root: string, build: { job: string; number: number }) => ({
  _class: buildClass,
  number: build.number,
  url: buildUrl(root, build),
});

export const jobReference = (root: string, job: string, builds: readonly Build[]) => ({
  _class: jobClass,
  name: job,
  url: jobUrl(root, job),
  color: colourOf(builds),
});

/** `api/json` of the server. */
export const rootDocument = (root: string, jobs: object[], executors: number) => ({
  _class: 'hudson.model.Hudson',
  mode: 'NORMAL',
  nodeDescription: 'the Homeostat job server',
  nodeName: '',
  numExecutors: executors,
  jobs,
  quietingDown: false,
  url: root,
  useCrumbs: true,
  useSecurity: true,
});

export interface JobState {
  builds: readonly Build[];
  items: readonly QueueItem[];
  busyJobs: ReadonlySet<string>;
  nextBuildNumber: number;
  now: number;
}

/** `job/X/api/json`. */
export function jobDocument(root: string, job: Job, state: JobState) {
  const reference = (build: Build | undefined) => (build ? buildReference(root, build) : null);
  const item = state.items[0];
  return {
    ...jobReference(root, job.name, state.builds),
    actions: [],
    description: job.description,
    displayName: job.name,
    fullDisplayName: job.name,
    fullName: job.name,
    buildable: true,
    builds: state.builds.slice(-mostBuilds).reverse().map(reference),
    firstBuild: reference(state.builds[0]),
    healthReport: [],
    inQueue: item !== undefined,
    keepDependencies: false,
    ...Object.fromEntries(permalinks.map((name) => [name, reference(resolveBuild(state.builds, name))])),
    nextBuildNumber: state.nextBuildNumber,
    property: job.parameters.size > 0 ? [parametersDocument(job)] : [],
    queueItem: item ? waitingDocument(root, item, state) : null,
    concurrentBuild: false,
    inProgress: state.builds.some((build) => build.result === undefined),
    disabled: false,
  };
}

const parametersDocument = (job: Job) => ({
  _class: 'hudson.model.ParametersDefinitionProperty',
  parameterDefinitions: [...job.parameters].map(([name, parameter]) => ({
    _class: `hudson.model.${parameter.choices ? 'Choice' : 'String'}ParameterDefinition`,
    defaultParameterValue: { _class: 'hudson.model.StringParameterValue', name, value: parameter.default },
    description: parameter.description,
    name,
    type: `${parameter.choices ? 'Choice' : 'String'}ParameterDefinition`,
    ...(parameter.choices ? { choices: parameter.choices } : {}),
  })),
});

function actionsOf({ parameters, causes }: Pick<Build, 'parameters' | 'causes'>) {
  const values = Object.entries(parameters).map(([name, value]) => ({
    _class: 'hudson.model.StringParameterValue',
    name,
    value,
  }));
  return [
    ...(values.length > 0 ? [{ _class: 'hudson.model.ParametersAction', parameters: values }] : []),
    { _class: 'hudson.model.CauseAction', causes: causes.map(causeDocument) },
  ];
}

/** `job/X/N/api/json`; `homeostat` is the result document that the command wrote. */
export function buildDocument(
  root: string,
  job: Job,
  build: Build,
  builds: readonly Build[],
  state: { now: number; result: unknown },
) {
  const at = builds.indexOf(build);
  const neighbour = (other: Build | undefined) => (other ? { number: other.number, url: buildUrl(root, other) } : null);
  const running = build.result === undefined;
  return {
    ...buildReference(root, build),
    actions: [...actionsOf(build), ...gitAction(job, build)],
    artifacts: [],
    building: running,
    description: null,
    displayName: `#${build.number}`,
    duration: build.duration ?? 0,
    estimatedDuration: estimate(builds),
    executor: running ? { _class: 'hudson.model.OneOffExecutor' } : null,
    fullDisplayName: `${build.job} #${build.number}`,
    id: String(build.number),
    inProgress: running,
    keepLog: false,
    queueId: build.queueId,
    result: build.result ?? null,
    timestamp: build.started,
    changeSets: [],
    culprits: [],
    nextBuild: neighbour(builds[at + 1]),
    previousBuild: neighbour(builds[at - 1]),
    homeostat: state.result ?? null,
  };
}

function gitAction(job: Job, build: Build) {
  if (job.kind !== 'pipeline' || build.commit === undefined) return [];
  const branch = [{ SHA1: build.commit, name: build.branch }];
  const lastBuiltRevision = { SHA1: build.commit, branch };
  return [{ _class: 'hudson.plugins.git.util.BuildData', lastBuiltRevision, remoteUrls: [job.repository] }];
}

/** The mean of the last three good builds, or -1, as Jenkins has it. */
function estimate(builds: readonly Build[]): number {
  const good = builds.filter((build) => build.result === 'SUCCESS').slice(-3);
  return good.length === 0 ? -1 : Math.round(good.reduce((sum, build) => sum + (build.duration ?? 0), 0) / good.length);
}

type ItemState = Pick<JobState, 'builds' | 'busyJobs' | 'now'>;

function itemDocument(root: string, item: { id: number; job: string }, builds: readonly Build[]) {
  return {
    id: item.id,
    stuck: false,
    task: jobReference(root, item.job, builds),
    url: `queue/item/${item.id}/`,
  };
}

/** `queue/item/N/api/json` of an item that waits. */
export function waitingDocument(root: string, item: QueueItem, state: ItemState) {
  const quiet = item.due > state.now;
  const blocked = !quiet && state.busyJobs.has(item.job);
  return {
    _class: `hudson.model.Queue$${quiet ? 'Waiting' : blocked ? 'Blocked' : 'Buildable'}Item`,
    actions: actionsOf(item),
    blocked,
    buildable: !quiet && !blocked,
    ...itemDocument(root, item, state.builds),
    inQueueSince: item.since,
    params: Object.entries(item.parameters)
      .map(([name, value]) => `\n${name}=${value}`)
      .join(''),
    why: whyWaiting(item, state.busyJobs, state.now),
    ...(quiet ? { timestamp: item.due } : {}),
    ...(item.revision ? { homeostat: revisionDocument(item.revision) } : {}),
  };
}

const revisionDocument = ({ branch, commit }: Revision) => ({ branch: branch ?? null, commit: commit ?? null });

/** `queue/item/N/api/json` of an item that became a build, or none. */
export function leftDocument(
  root: string,
  id: number,
  job: string,
  build: Build | undefined,
  builds: readonly Build[],
) {
  return {
    _class: 'hudson.model.Queue$LeftItem',
    actions: build ? actionsOf(build) : [],
    blocked: false,
    buildable: false,
    ...itemDocument(root, { id, job }, builds),
    inQueueSince: build?.started ?? 0,
    params: '',
    why: null,
    cancelled: build === undefined,
    executable: build ? buildReference(root, build) : null,
  };
}
