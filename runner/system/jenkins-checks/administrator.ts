import { z } from 'zod';
import { resource } from '../../common/resources';
import type { JenkinsDoctorSettings } from './settings';

const schema = z.object({
  java: z.string().optional(),
  url: z.string().nullish(),
  plugins: z.record(z.string(), z.object({ version: z.string(), active: z.boolean() })).optional(),
  libraries: z
    .array(z.object({ name: z.string(), version: z.string().nullable(), url: z.string().nullable() }))
    .optional(),
  hookTokens: z.number().optional(),
  job: z.object({ quietPeriod: z.number(), abortsPrevious: z.boolean() }).nullish(),
  user: z
    .object({
      administers: z.boolean(),
      builds: z.boolean(),
      configures: z.boolean(),
      sees: z.array(z.string()),
      seesMany: z.number(),
      tokens: z.number(),
    })
    .nullish(),
  agents: z
    .array(
      z.object({ name: z.string(), online: z.boolean(), reason: z.string().nullable(), answer: z.string().nullable() }),
    )
    .optional(),
  /** Why a part is missing. */
  problems: z.record(z.string(), z.string()),
});

/** What only an administrator may know; a part that is undefined could not be read. */
export type Inside = z.infer<typeof schema>;

/** The script that an administrator posts; the names go in as Base64, so that nothing in them is ever Groovy. */
export function doctorScript({ job, caller, label }: JenkinsDoctorSettings): string {
  const asked = Buffer.from(JSON.stringify({ job, user: caller, label })).toString('base64');
  return resource('resources/jenkins/doctor.groovy').replace('@ASKED@', asked);
}

/** What the script printed; or why it cannot be used. */
export function readInside(text: string): { document: Inside } | { problem: string } {
  const line = text.split('\n').find((each) => each.startsWith('{'));
  if (line === undefined) return { problem: `the script ended with: ${text.trim().slice(0, 300) || 'nothing'}` };
  try {
    const { data, error } = schema.safeParse(JSON.parse(line));
    return data
      ? { document: data }
      : { problem: `the script told something odd at ${error.issues[0]!.path.join('.')}` };
  } catch {
    return { problem: 'the script told something that is no JSON' };
  }
}
