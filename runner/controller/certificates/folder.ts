import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';

export interface PemFile {
  name: string;
  text: string;
}

const most = 1000;
const largest = 128 * 1024;

/** Certificates of a folder, sorted by name; a folder that is not there has none. */
export async function readFolder(folder: string, wanted: RegExp): Promise<PemFile[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => wanted.test(name)).sort();
  const files = names.slice(0, most).map(async (name) => {
    const file = path.join(folder, name);
    const facts = await stat(file).catch(() => undefined);
    if (!facts?.isFile() || facts.size > largest) return [];
    const text = await readFile(file, 'utf8').catch(() => undefined);
    return text === undefined ? [] : [{ name: name.replace(/\.pem$/, ''), text }];
  });
  return (await Promise.all(files)).flat();
}
