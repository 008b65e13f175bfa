export type BuildEnd = 'SUCCESS' | 'UNSTABLE' | 'FAILURE' | 'NOT_BUILT' | 'ABORTED';

/** The part of `job/X/N/api/json` that is used. */
export interface BuildDocument {
  number: number;
  url: string;
  building: boolean;
  result: BuildEnd | null;
  queueId: number;
  actions?: ({ parameters?: { name: string; value?: unknown }[] } | null)[];
  /** What the command of the embedded job server wrote as its result. */
  homeostat?: Record<string, unknown> | null;
}

/** An item of the queue, or what has become of it. */
export interface QueueItem {
  id: number;
  task?: { name?: string };
  why?: string | null;
  cancelled?: boolean;
  executable?: { number: number } | null;
  actions?: BuildDocument['actions'];
}

/** A job among others. */
export interface JobSummary {
  name: string;
  /** Ends with `_anime` while it is built. */
  color?: string;
  /** Of a folder, or the branches of a repository. */
  jobs?: JobSummary[];
}

/** An input for which a build waits. */
export interface PendingInput {
  id: string;
  message: string;
}

export interface LogPart {
  text: string;
  /** Where the next part begins. */
  next: number;
  more: boolean;
}

/** Paths of the jobs of a list that are being built. */
export const buildingIn = (jobs: JobSummary[]): string[] =>
  jobs.flatMap((job) => {
    if (job.jobs) return buildingIn(job.jobs).map((name) => `${job.name}/${name}`);
    return job.color?.endsWith('_anime') ? [job.name] : [];
  });

/** What is read of a build, and of an item of the queue: Jenkins would tell much more, of ten thousand items too. */
const parametersTree = 'actions[parameters[name,value]]';
export const buildTree = `number,url,building,result,queueId,${parametersTree}`;
export const itemTree = `id,why,cancelled,task[name],executable[number],${parametersTree}`;
