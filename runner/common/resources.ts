import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Files of the repository that travel inside the compiled runner; set by build/bundle.ts. */
declare const HOMEOSTAT_RESOURCES: Record<string, string> | undefined;

const root = path.join(__dirname, '../..');

/** The text of a file of the repository, such as `resources/stacks/registry.yml`. */
export function resource(name: string): string {
  if (typeof HOMEOSTAT_RESOURCES === 'object') return HOMEOSTAT_RESOURCES[name]!;
  return readFileSync(path.join(root, name), 'utf8');
}

/** The files below a folder of the repository: path inside the folder → text. */
export function resourcesBelow(folder: string): Record<string, string> {
  if (typeof HOMEOSTAT_RESOURCES === 'object') {
    const inside = Object.entries(HOMEOSTAT_RESOURCES).filter(([name]) => name.startsWith(`${folder}/`));
    return Object.fromEntries(inside.map(([name, text]) => [name.slice(folder.length + 1), text]));
  }
  const entries = readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const names = entries
    .map((entry) => path.relative(path.join(root, folder), path.join(entry.parentPath, entry.name)))
    .sort();
  return Object.fromEntries(names.map((name) => [name, resource(`${folder}/${name}`)]));
}
