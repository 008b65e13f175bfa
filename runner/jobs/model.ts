export type Result = 'SUCCESS' | 'FAILURE' | 'ABORTED';

export type CauseKind = 'user' | 'scm' | 'github' | 'gitea';

/** Who or what asked for a build. */
export interface Cause {
  kind: CauseKind;
  user?: string;
}

/** What a pipeline job is to build. Without a commit it is the head of the branch when the build starts. */
export interface Revision {
  branch?: string;
  commit?: string;
  /** Dropped when the head of the branch is what was built last, as Jenkins' polling does. */
  onlyIfNew?: boolean;
}

export interface QueueItem {
  id: number;
  job: string;
  parameters: Record<string, string>;
  revision?: Revision;
  causes: Cause[];
  /** Milliseconds of the wall clock. */
  since: number;
  /** Not before this; milliseconds of the wall clock. */
  due: number;
}

export interface Build {
  job: string;
  number: number;
  queueId: number;
  parameters: Record<string, string>;
  revision?: Revision;
  causes: Cause[];
  /** Value of BUILD_COOKIE in the environment of every process of the build. */
  cookie: string;
  /** Milliseconds of the wall clock. */
  started: number;
  /** Milliseconds. */
  duration?: number;
  /** Absent while the build runs. */
  result?: Result;
  branch?: string;
  commit?: string;
  /** `homeostat cleanup` still has to run for it. */
  cleanup?: 'pending';
}

export interface Parameter {
  default: string;
  description: string;
  choices?: string[] | undefined;
}

export interface Keep {
  builds: number;
  days: number;
}

/** A value of the environment: a text, or the content of a file, which is treated as a secret. */
export type EnvironmentValue = string | { file: string };

interface AnyJob {
  name: string;
  description: string;
  parameters: Map<string, Parameter>;
  environment: Record<string, EnvironmentValue>;
  arguments: string[];
  /** Milliseconds. */
  quietPeriod: number;
  /** Milliseconds. */
  timeout: number;
  keep: Keep;
}

export interface PipelineJob extends AnyJob {
  kind: 'pipeline';
  repository: string;
  branches: string[];
  deployKey?: string | undefined;
  knownHosts?: string | undefined;
  /** Milliseconds. */
  gitTimeout: number;
}

export interface CommandJob extends AnyJob {
  kind: 'command';
  command: string;
}

export type Job = PipelineJob | CommandJob;

export interface JobsConfiguration {
  url?: string | undefined;
  executors: number;
  /** Bytes of output kept of each build. */
  logLimit: number;
  githubSecretFile?: string | undefined;
  giteaSecretFile?: string | undefined;
  jobs: Map<string, Job>;
}
