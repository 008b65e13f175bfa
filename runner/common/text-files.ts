import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';

const mostFiles = 200;
const largest = 1024 * 1024;

/** Texts of the files of a folder whose names are wanted, by name; a folder that is not there has none. */
export async function textsIn(folder: string, wanted: RegExp): Promise<Record<string, string>> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => wanted.test(name)).sort();
  const texts = names.slice(0, mostFiles).map(async (name): Promise<[string, string][]> => {
    const file = path.join(folder, name);
    const facts = await stat(file).catch(() => undefined);
    if (!facts?.isFile() || facts.size > largest) return [];
    const text = await readFile(file, 'utf8').catch(() => undefined);
    return text === undefined ? [] : [[name, text]];
  });
  return Object.fromEntries((await Promise.all(texts)).flat());
}
