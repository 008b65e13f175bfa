import { z } from 'zod';
import { revisionOf, type Bundle, type EngineName } from '../common/bundle';

/** Letters, digits and a few signs in each part of a path; no part may begin with a dot. */
const fileName = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;
const longestName = 200;
const mostFiles = 5000;

const schema = z.object({
  engine: z.string(),
  instance: z.string(),
  revision: z.string(),
  files: z.record(z.string(), z.string()),
});

/**
 * The bundle in an answer of the controller, or in a file that was kept. File names are checked, for they become paths;
 * that the revision fits the files shows that nothing is missing.
 * @throws Error that says what is wrong with it
 */
export function acceptBundle(value: unknown, engine: EngineName, instance: string): Bundle {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new Error('it is no bundle');
  const { data } = parsed;
  if (data.engine !== engine || data.instance !== instance)
    throw new Error(`it is for ${shown(data.engine)} '${shown(data.instance)}'`);
  const names = Object.keys(data.files);
  if (names.length > mostFiles) throw new Error(`it has ${names.length} files, at most ${mostFiles} are allowed`);
  const bad = names.find((name) => name.length > longestName || !fileName.test(name));
  if (bad !== undefined) throw new Error(`it has a file named '${shown(bad)}'`);
  if (revisionOf(data.files) !== data.revision) throw new Error('its revision does not fit its files');
  return { engine, instance, revision: data.revision, files: data.files };
}

const shown = (text: string) => JSON.stringify(text.slice(0, 80)).slice(1, -1);
