import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { reportsFolder } from './tests';

const mostFiles = 200;

/** What the JUnit reports below a checkout say, a line for each kind of test. */
export async function readVerdicts(folder: string): Promise<string[]> {
  const reports = path.join(folder, reportsFolder);
  const entries = await readdir(reports, { withFileTypes: true }).catch(() => []);
  const kinds = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return Promise.all(kinds.sort().map(async (kind) => `${kind}: ${await verdictOf(path.join(reports, kind))}`));
}

async function verdictOf(folder: string): Promise<string> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.xml'));
  const texts = await Promise.all(names.slice(0, mostFiles).map((name) => readFile(path.join(folder, name), 'utf8')));
  const count = (element: RegExp) => texts.reduce((sum, text) => sum + (text.match(element)?.length ?? 0), 0);
  const bad = count(/<(?:failure|error)[\s>/]/g);
  return `${count(/<testcase[\s>/]/g)} tests, ${bad} failed`;
}
