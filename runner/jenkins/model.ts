/** A job of the system, in the terms that both engines know: the embedded job server and Jenkins. */
export type SystemJob = PipelineJob | CommandJob;

interface Described {
  name: string;
  description: string;
}

/** Sends each push of a repository through the pipeline. */
export interface PipelineJob extends Described {
  kind: 'pipeline';
  repository: string;
  /** Names, or patterns in which `*` stands for any text; one without `*` comes first. */
  branches: string[];
  /** Path of the Jenkinsfile; the embedded server has none and runs the pipeline itself. */
  script: string;
  /** Id of the credentials of the repository's host. */
  credentials?: string;
}

/** Runs one command of the runner with the parameters that it is given. */
export interface CommandJob extends Described {
  kind: 'command';
  command: string;
  /** The step that runs the command in Jenkins. */
  step: string;
  environment: Record<string, string>;
  /** Descriptions by the parameter's name. */
  parameters: Record<string, string>;
}

export const roles = ['administer', 'deploy', 'watch'] as const;
export type Role = (typeof roles)[number];

/** Somebody who signs in. */
export interface Person {
  name: string;
  role: Role;
  /** The jobs that the role is limited to; undefined: all. */
  jobs?: string[];
  /** Name of the secret with the password. */
  secret: string;
}

/** How a host of git repositories is signed in to; what is secret stands in Swarm secrets of these names. */
export type GitAccess = { id: string; host: string } & (
  { kind: 'password'; user: string; secret: string } | { kind: 'key'; user: string; secret: string }
);

/** What a Jenkins is configured from; everything in it has been checked. */
export interface JenkinsSite {
  /** Root address, with a slash at its end. */
  url: string;
  adminAddress: string;
  /** The shared library: `version` is a branch, tag or commit. */
  library: { repository: string; version: string; credentials?: string };
  /** Permanent agents, named `<name>-1` to `<name>-<count>`. */
  agents: { name: string; count: number; label: string; executors: number };
  jobs: SystemJob[];
  people: Person[];
  git: GitAccess[];
  /** The registry that images are pushed to; its password stands in the secret. */
  registry: { address: string; user: string; secret: string };
  /** Builds that are kept of each job. */
  keepBuilds: number;
  /** Minutes that a build may take. */
  timeoutMinutes: number;
  /** Lines for `known_hosts`; empty: a host is trusted when it is first seen. */
  knownHosts: string[];
}
