import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { Context } from '../common/context';
import { parseDuration } from '../common/duration';
import { fail } from '../common/errors';
import { isName } from '../common/name';
import { readYaml } from '../common/yaml-file';
import { readImage } from '../image/reference';

const duration = (fallback: string) =>
  z
    .union([z.string(), z.number()])
    .refine((value) => parseDuration(value) !== undefined, {
      error: (issue) => `'${String(issue.input)}' is not a duration; write for example 90s, 1m30s or 500ms`,
    })
    .transform((value) => parseDuration(value)!)
    .prefault(fallback)
    .meta({ description: `A duration such as 90s, 1m30s or 500ms (default ${fallback})` });

const text = z
  .string()
  .min(1, 'is empty')
  .refine((value) => !/[\u0000-\u001f\u007f]/.test(value), 'contains a control character'); // eslint-disable-line no-control-regex
const name = text.refine(isName, {
  error: (issue) =>
    `'${String(issue.input).slice(0, 80)}' is not a legal name: lower-case letters, digits, - and _, starting with a letter or digit, at most 63 characters`,
});
const image = text.superRefine((value, context) => {
  const read = readImage(value);
  if (typeof read === 'string')
    context.addIssue({ code: 'custom', message: `'${value.slice(0, 80)}' is not an image name: ${read}` });
  else if (read.tag !== undefined || read.digest !== undefined)
    context.addIssue({
      code: 'custom',
      message: `'${value.slice(0, 80)}' has a tag or digest; name the repository only, tags are set by tags:`,
    });
});
const anyImage = text.superRefine((value, context) => {
  const read = readImage(value);
  if (typeof read === 'string')
    context.addIssue({ code: 'custom', message: `'${value.slice(0, 80)}' is not an image name: ${read}` });
});
const scalars = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String)).prefault({});
const command = z
  .array(z.string())
  .optional()
  .meta({ description: 'Command and arguments; default: that of the image' });
const secretSource = z.string().regex(/^(env:\w+|file:.+)$/, 'is neither env:NAME nor file:path');
const port = z.int().min(1).max(65535);

const test = z
  .strictObject({
    target: text.optional().meta({ description: 'Dockerfile target that is built and run' }),
    image: anyImage.optional().meta({ description: 'Image that is run' }),
    command,
    environment: scalars,
    timeout: duration('10m'),
  })
  .refine((value) => (value.target === undefined) !== (value.image === undefined), {
    error: 'needs either target or image',
  });

const unit = z.strictObject({ target: text.default('unit'), command, environment: scalars, timeout: duration('15m') });

const load = z.strictObject({
  path: z.string().startsWith('/').default('/').meta({ description: 'Path that is requested' }),
  connections: z.int().min(1).max(1000).default(10),
  duration: duration('10s'),
  rate: z.int().min(1).optional().meta({ description: 'Requests a second in all; default: as many as come back' }),
  failures: z.int().min(0).default(0).meta({ description: 'Requests that may fail' }),
  p95: duration('1s'),
  p99: duration('2s'),
});

/** What homeostat.yml may hold, with the defaults. The JSON schema for editors is generated from this. */
export const configSchema = z.strictObject({
  name: name.meta({
    description: 'Name of the service in the stack file, and of the stack unless deploy.stack says otherwise',
  }),
  image: image.meta({ description: 'Repository of the image, such as registry.example.com/team/shop' }),
  port: port.default(8080).meta({ description: 'Port the service listens on; tests get it in their environment' }),
  stack: text.default('stack.yml').meta({ description: 'Path of the Compose v3 stack file' }),
  build: z
    .strictObject({
      context: text.default('.'),
      dockerfile: text.default('Dockerfile').meta({ description: 'Path of the Dockerfile, relative to the context' }),
      target: text.optional(),
      args: scalars,
      secrets: z
        .record(z.string().regex(/^[\w.-]+$/), secretSource)
        .prefault({})
        .meta({ description: 'Secret id → env:NAME or file:path, for RUN --mount=type=secret' }),
      builder: z.enum(['auto', 'buildkit', 'classic']).default('auto'),
    })
    .prefault({}),
  tests: z
    .strictObject({
      unit: unit.optional(),
      functional: test.optional(),
      integration: test.optional(),
      load: load.optional(),
      production: z
        .strictObject({
          ...test.shape,
          url: z
            .url({ protocol: /^https?$/ })
            .optional()
            .meta({ description: 'Address of production; default: the service on its own network' }),
        })
        .refine((value) => (value.target === undefined) !== (value.image === undefined), {
          error: 'needs either target or image',
        })
        .optional(),
    })
    .prefault({}),
  candidate: z
    .strictObject({
      deadline: duration('2m'),
      replicas: z.int().min(1).max(20).default(1),
      networks: z
        .array(text)
        .default([])
        .meta({ description: 'External networks the candidate may join; by default it has only its own' }),
    })
    .prefault({}),
  tags: z
    .array(text)
    .default(['latest'])
    .meta({ description: 'Tags of a release; {revision}, {build}, {branch} and {date} are filled in' }),
  deploy: z
    .strictObject({
      stack: name.optional().meta({ description: 'Name of the stack; default: name' }),
      deadline: duration('5m').meta({ description: 'The rollout has to have converged by then' }),
      monitor: duration('15s').meta({ description: 'It then has to stay good for this long' }),
      policy: z
        .enum(['warn', 'strict', 'off'])
        .default('warn')
        .meta({ description: 'What to do when the stack is not safe to roll' }),
      approval: z
        .union(
          [
            z.boolean(),
            z.strictObject({
              by: z.array(text).optional().meta({ description: 'Names or groups that may approve' }),
              within: duration('30m').meta({ description: 'Without an answer by then it is not deployed' }),
              self: z.boolean().optional().meta({ description: 'Who deploys may approve it as well' }),
            }),
          ],
          {
            error:
              'allowed is true, false, or a mapping of by (a list of names), within (a duration) and self (true or false)',
          },
        )
        .default(false)
        .meta({ description: 'Ask a person before the deploy' }),
      keep: z.int().min(2).max(50).default(10).meta({ description: 'Releases kept to roll back to' }),
    })
    .prefault({}),
});

export type Config = z.output<typeof configSchema> & {
  /** Folder of homeostat.yml: paths in it are relative to this. */
  folder: string;
};
export type TestConfig = z.output<typeof test>;
export type LoadConfig = z.output<typeof load>;

/**
 * Reads homeostat.yml.
 * @throws CONFIG_MISSING, CONFIG_INVALID with all problems at once
 */
export async function readConfig(file: string, context: Context): Promise<Config> {
  const full = path.resolve(context.cwd, file);
  const content = await readFile(full, 'utf8').catch((error: NodeJS.ErrnoException) =>
    fail('CONFIG_MISSING', `there is no ${file}`, {
      cause: error.code === 'ENOENT' ? `looked for ${full}` : error.message,
    }),
  );
  return { ...readYaml(content, file, configSchema, 'CONFIG_INVALID'), folder: path.dirname(full) };
}

/** The JSON schema of homeostat.yml. */
export const configJsonSchema = (): object => ({
  title: 'homeostat.yml',
  ...z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }),
});
