import { z } from 'zod';
import { parseDuration } from '../common/duration';
import { isBranchName, repositoryProblem } from '../common/repository';

const text = z.string().min(1, 'is empty');

const duration = z.union([z.string(), z.number()]).transform((value, context) => {
  const milliseconds = parseDuration(value);
  if (milliseconds !== undefined) return milliseconds;
  context.addIssue({ code: 'custom', message: 'is not a duration; write for example 90s, 10m or 1h30m' });
  return z.NEVER;
});

const whole = (least: number, most: number) =>
  z
    .number()
    .int('is not a whole number')
    .min(least, `must be ${least} to ${most}`)
    .max(most, `must be ${least} to ${most}`);

const keep = z.strictObject({ builds: whole(1, 10_000).optional(), days: whole(1, 36_500).optional() });

const parameter = z
  .strictObject({
    default: z.string().optional(),
    description: z.string().optional(),
    choices: z.array(text).min(1, 'is empty').optional(),
  })
  .nullable();

const repository = text.superRefine((url, context) => {
  const problem = repositoryProblem(url);
  if (problem) context.addIssue({ code: 'custom', message: problem });
});

const branch = text.refine((name) => isBranchName(name.replaceAll('*', 'x')), 'is not a branch name or pattern');

const job = z.strictObject({
  description: z.string().optional(),
  repository: repository.optional(),
  branches: z.array(branch).min(1, 'is empty').optional(),
  deployKey: text.optional(),
  knownHosts: text.optional(),
  gitTimeout: duration.optional(),
  command: text.optional(),
  parameters: z.record(z.string(), parameter).optional(),
  arguments: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.union([z.string(), z.strictObject({ file: text })])).optional(),
  quietPeriod: duration.optional(),
  timeout: duration.optional(),
  keep: keep.optional(),
});

export const jobsSchema = z.strictObject({
  url: z
    .string()
    .regex(/^https?:\/\/[^\s?#]+$/, 'is not an http or https address')
    .optional(),
  executors: whole(1, 100).optional(),
  quietPeriod: duration.optional(),
  keep: keep.optional(),
  logMegabytes: whole(1, 1000).optional(),
  webhooks: z.strictObject({ githubSecretFile: text.optional(), giteaSecretFile: text.optional() }).optional(),
  jobs: z.record(z.string(), job),
});

export type JobsFile = z.infer<typeof jobsSchema>;
export type JobEntry = JobsFile['jobs'][string];
