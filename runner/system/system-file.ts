import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { Context } from '../common/context';
import { parseDuration } from '../common/duration';
import { fail } from '../common/errors';
import { isJobName } from '../common/job-path';
import { isBranchName, repositoryProblem } from '../common/repository';
import { readYaml } from '../common/yaml-file';
import { roles } from '../jenkins/model';
import { systemRelations } from './system-relations';

export const engineNames = ['embedded', 'jenkins'] as const;
export type EngineName = (typeof engineNames)[number];

const text = z
  .string()
  .min(1, 'is empty')
  .refine((value) => !/[\u0000-\u001f\u007f]/.test(value), 'contains a control character'); // eslint-disable-line no-control-regex

const judged = (isWell: (value: string) => boolean, what: string, base: z.ZodString | typeof text = text) =>
  base.refine(isWell, { error: (issue) => `'${String(issue.input).slice(0, 80)}' is not ${what}` });

const shaped = (shape: RegExp, what: string, base?: z.ZodString | typeof text) =>
  judged((value) => shape.test(value), what, base);

const host = shaped(
  /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/,
  'a host name; use lower-case letters, digits, - and dots',
);
const registryHost = shaped(
  /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?$/,
  'a registry; write a host, or a host and a port, such as registry.example.com:5000',
);
const nameOf = (what: string) =>
  judged(isJobName, `${what}; use letters, digits, . _ -, a letter or digit first, at most 63`);
const jobName = nameOf('a job name');
const userName = nameOf('a user name');
const whole = (least: number, most: number, fallback: number) => {
  const error = (issue: { input?: unknown }) =>
    `${String(JSON.stringify(issue.input)).slice(0, 40)} is not a whole number from ${least} to ${most}`;
  return z.int({ error }).min(least, { error }).max(most, { error }).default(fallback);
};
const port = (fallback: number) => whole(1, 65_535, fallback);
const file = text.meta({ description: 'Path of a file, relative to system.yml' });

const duration = (fallback: string) =>
  z
    .union([z.string(), z.number()])
    .refine((value) => (parseDuration(value) ?? 0) >= 60_000, {
      error: (issue) => `'${String(issue.input)}' is not a duration of a minute or more; write for example 90m or 4h`,
    })
    .transform((value) => parseDuration(value)!)
    .prefault(fallback)
    .meta({ description: `A duration such as 90m or 4h (default ${fallback})` });

const gitAddress = text.superRefine((url, context) => {
  const problem = repositoryProblem(url);
  if (problem) context.addIssue({ code: 'custom', message: `'${url.slice(0, 80)}' ${problem}` });
});

const branch = text.refine((name) => isBranchName(name.replaceAll('*', 'x')), {
  error: (issue) => `'${String(issue.input).slice(0, 80)}' is not a branch name or pattern`,
});

const gitHost = z.strictObject({
  host: host.meta({ description: 'Host of the repositories, such as git.example.com' }),
  user: text.optional().meta({ description: 'Who signs in; for keys default git' }),
  passwordFile: file.optional().meta({ description: 'File with the password or access token, for https' }),
  keyFile: file.optional().meta({ description: 'File with the private key, for ssh' }),
  knownHostsFile: file.optional().meta({ description: 'Keys of the host as in known_hosts, for ssh' }),
});

const repository = z.strictObject({
  url: gitAddress.meta({ description: 'Address of the repository as git clone takes it' }),
  name: jobName.optional().meta({ description: 'Name of its job; default: the last part of the address' }),
  description: text.optional(),
  branches: z
    .array(branch)
    .min(1, 'is empty')
    .default(['main'])
    .meta({ description: 'Branches that are built; * stands for any text. Several make a multibranch job in Jenkins' }),
  jenkinsfile: text.default('Jenkinsfile').meta({ description: 'Path of its Jenkinsfile; used by Jenkins only' }),
});

const person = z.strictObject({
  name: userName,
  role: z.enum(roles).default('deploy').meta({
    description: 'administer: everything; deploy: start and stop builds; watch: look at them',
  }),
  jobs: z.array(jobName).min(1, 'is empty').optional().meta({ description: 'Jobs that the role is limited to' }),
  slack: shaped(/^[UW][A-Z0-9]{4,20}$/, "a Slack member's id, such as U024BE7LH")
    .optional()
    .meta({ description: "The person's member id in Slack" }),
  decides: z.boolean().default(false).meta({ description: 'May answer questions that name nobody' }),
});

/** What system.yml may hold, with the defaults. The JSON schema for editors is generated from this. */
export const systemSchema = z.strictObject({
  engine: z.enum(engineNames).optional().meta({
    description: 'Who runs the jobs: the embedded job server, or Jenkins; default: who does, at first embedded',
  }),
  domain: host.default('localhost').meta({
    description: 'The status page is homeostat.<domain>, Jenkins is jenkins.<domain>',
  }),
  ports: z
    .strictObject({
      http: port(80),
      https: port(443),
      registry: port(5000),
      controller: port(7080),
      jobs: port(8080),
      prometheus: port(9090),
      alertmanager: port(9093),
    })
    .prefault({}),
  registry: z
    .strictObject({ address: registryHost, user: text, passwordFile: file })
    .optional()
    .meta({ description: 'A registry of your own; without it the cluster has one' }),
  slack: z
    .strictObject({
      channel: shaped(/^[CGD][A-Z0-9]{4,20}$/, "a channel's id, such as C0123456789"),
      tokenFile: file,
      signingSecretFile: file.optional(),
    })
    .optional()
    .meta({ description: 'Where people are told and asked' }),
  gitHosts: z.array(gitHost).default([]),
  repositories: z.array(repository).default([]).meta({ description: 'Each gets a job that builds what is pushed' }),
  people: z.array(person).default([]),
  limits: z
    .strictObject({
      builds: whole(1, 100, 2).meta({ description: 'Builds at once; in Jenkins on each agent' }),
      keepBuilds: whole(1, 10_000, 50).meta({ description: 'Builds that are kept of each job' }),
      timeout: duration('4h'),
    })
    .prefault({}),
  jenkins: z
    .strictObject({
      version: shaped(/^\d+\.\d+(?:\.\d+)?$/, 'a version of Jenkins, such as 2.528.2').default('2.528.2'),
      image: text.optional().meta({ description: 'Image of Jenkins; default: the official one of that version' }),
      library: z.strictObject({ repository: gitAddress, version: text }).optional().meta({
        description: 'Where Jenkins takes the shared library from; default: a copy of the one that runs `up`',
      }),
      agents: whole(1, 50, 1),
      agentLabel: shaped(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'a label').default('docker'),
      memory: shaped(/^[1-9]\d{0,5}[mg]$/, 'a size such as 2g or 1500m').default('2g'),
      adminAddress: text.default('homeostat <homeostat@localhost>').meta({ description: 'Sender of mails' }),
    })
    .prefault({}),
});

export type System = Omit<z.output<typeof systemSchema>, 'engine'> & {
  engine: EngineName;
  /** Folder of system.yml: paths in it are relative to this. */
  folder: string;
  /** Path of system.yml; undefined where there is none. */
  file?: string;
};

const defaultFile = 'system.yml';

/** What an earlier `up` was told, which holds until somebody says otherwise. */
export interface Remembered {
  systemFile?: string;
  jobEngine?: EngineName;
}

/**
 * Reads system.yml: the named file, else the one in the current folder, else that of the last time, else the defaults.
 * @throws SYSTEM_INVALID with all problems at once
 */
export async function readSystem(
  name: string | undefined,
  { cwd }: Context,
  { systemFile, jobEngine = 'embedded' }: Remembered = {},
): Promise<System> {
  const here = path.resolve(cwd, defaultFile);
  const full = name === undefined ? (existsSync(here) ? here : systemFile) : path.resolve(cwd, name);
  if (full === undefined) return { ...systemSchema.parse({}), engine: jobEngine, folder: cwd };
  const content = await readFile(full, 'utf8').catch((error: NodeJS.ErrnoException) =>
    fail('SYSTEM_INVALID', `${full} cannot be read`, { cause: error.message }),
  );
  const folder = path.dirname(full);
  const more = (value: unknown) => systemRelations(value, folder, systemSchema.parse({}).ports);
  const read = readYaml(content, path.basename(full), systemSchema, 'SYSTEM_INVALID', more);
  return { ...read, engine: read.engine ?? jobEngine, folder, file: full };
}

/** The JSON schema of system.yml. */
export const systemJsonSchema = (): object => ({
  title: 'system.yml',
  ...z.toJSONSchema(systemSchema, { io: 'input', unrepresentable: 'any' }),
});
