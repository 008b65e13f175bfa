import { existsSync, readdirSync, type Dirent } from 'node:fs';
import path from 'node:path';
import type { Cgroup } from './cgroup';

/** The name of a container's control group, as the Engine gives it with its own driver and with systemd's. */
const named = /^(?:docker-)?([0-9a-f]{64})(?:\.scope)?$/;
const deepest = 12;

/**
 * Finds the control groups of containers below a folder such as /sys/fs/cgroup. Where they are depends on the driver, on
 * the Engine's settings and on the container's own, and cannot be asked: so they are looked for by name.
 */
export class CgroupFolders {
  private readonly version: 1 | 2;
  private readonly memory: string;
  private readonly cpu: string;
  private readonly found = new Map<string, string>();
  /** Folder and name of earlier finds, with a hole in place of the id. */
  private readonly shapes = new Set<string>();

  constructor(root: string) {
    this.version = existsSync(path.join(root, 'cgroup.controllers')) ? 2 : 1;
    const mounted = this.version === 1 ? foldersOf(root) : [];
    // Controllers may share a mount: cpu,cpuacct.
    const controller = (name: string) => mounted.find((folder) => folder.split(',').includes(name)) ?? name;
    this.memory = this.version === 1 ? path.join(root, controller('memory')) : root;
    this.cpu = this.version === 1 ? path.join(root, controller('cpuacct')) : root;
  }

  /** Looks for those that are not known yet, and forgets all others. */
  look(ids: string[]): void {
    const wanted = new Set(ids);
    for (const id of this.found.keys()) if (!wanted.has(id)) this.found.delete(id);
    const missing = new Set(ids.filter((id) => !this.found.has(id)));
    for (const id of missing) {
      const shape = [...this.shapes].find((each) => existsSync(path.join(this.cpu, each.replace('*', id))));
      if (shape === undefined) continue;
      this.found.set(id, shape.replace('*', id));
      missing.delete(id);
    }
    if (missing.size > 0) this.walk('', missing, 0);
  }

  of(id: string): Cgroup | undefined {
    const found = this.found.get(id);
    if (found === undefined) return undefined;
    return { version: this.version, memory: path.join(this.memory, found), cpu: path.join(this.cpu, found) };
  }

  /** A group that has gone may come again elsewhere. */
  forget(id: string): void {
    this.found.delete(id);
  }

  private walk(folder: string, missing: Set<string>, depth: number): void {
    for (const name of foldersOf(path.join(this.cpu, folder))) {
      if (missing.size === 0) return;
      const id = named.exec(name)?.[1];
      const below = path.join(folder, name);
      if (id === undefined && depth < deepest) this.walk(below, missing, depth + 1);
      if (id === undefined || !missing.delete(id)) continue;
      this.found.set(id, below);
      this.shapes.add(below.replace(id, '*'));
    }
  }
}

function foldersOf(folder: string): string[] {
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}
