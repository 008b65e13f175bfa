import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Environment } from '../common/context';

const most = 200;
const largest = 256 * 1024;

/** Texts of the files of a folder by name; a folder that is not there has none. */
async function textsOf(folder: string, wanted: RegExp): Promise<[string, string][]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => wanted.test(name)).sort();
  const texts = names.slice(0, most).map(async (name): Promise<[string, string][]> => {
    const file = path.join(folder, name);
    const facts = await stat(file).catch(() => undefined);
    if (!facts?.isFile() || facts.size > largest) return [];
    const text = await readFile(file, 'utf8').catch(() => undefined);
    return text === undefined ? [] : [[name, text]];
  });
  return (await Promise.all(texts)).flat();
}

/** The operator's templates by file name. */
export const readTemplates = async (folder: string): Promise<Record<string, string>> =>
  Object.fromEntries(await textsOf(folder, /^[A-Za-z0-9_][A-Za-z0-9._-]*$/));

/**
 * The operator's pages by status code, and `maintenance`. Files are `<code>.html`, or `<code>.http` as HAProxy has them,
 * of which the head is left out.
 */
export async function readErrorPages(folder: string): Promise<Record<string, string>> {
  const texts = await textsOf(folder, /^(?:\d{3}|maintenance)\.(?:html|http)$/);
  return Object.fromEntries(
    texts.map(([name, text]) => {
      const page = name.endsWith('.http') ? text.replace(/^[^]*?\r?\n\r?\n/, '') : text;
      return [name.replace(/\.\w+$/, ''), page];
    }),
  );
}

/** The environment with what secrets named `dfp_<variable>` hold, as docker-flow-proxy has it; what is set stays. */
export async function withSecrets(env: Environment, folder: string): Promise<Environment> {
  const texts = await textsOf(folder, /^dfp_(?!users_)[a-z0-9_]+$/);
  const variables = texts.map(([name, text]) => [name.slice('dfp_'.length).toUpperCase(), text.trim()] as const);
  return { ...Object.fromEntries(variables), ...env };
}
