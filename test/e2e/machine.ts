import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { withLab, type Lab } from '../lab';
import { runner } from './support';

const lab = path.join(__dirname, '../lab/lab');
const execute = promisify(execFile);

/** A machine of its own: a lab node with the runner in it, a home and a state folder. */
export interface Machine {
  lab: Lab;
  home: string;
  state: string;
  run(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }>;
  /** What an address on the node's own loopback answers, as JSON. */
  ask<T>(port: number, path: string, token?: string): Promise<T>;
}

export interface BuildDocument {
  number: number;
  result: string | null;
  timestamp: number;
  actions: { parameters?: { name: string; value: string }[]; causes?: { userId?: string }[] }[];
}

export async function machine(t: Test): Promise<Machine> {
  const node = await withLab(t, { nodes: 1 });
  const home = mkdtempSync(path.join(tmpdir(), 'homeostat-machine-'));
  t.teardown(() => rmSync(home, { recursive: true, force: true }));
  const state = path.join(home, 'state');
  const settings = [`PATH=${process.env.PATH}`, `HOME=${home}`, `HOMEOSTAT_STATE=${state}`, 'LANG=C.UTF-8'];
  return {
    lab: node,
    home,
    state,
    run: async (...words) => {
      try {
        const ended = await execute(lab, ['exec', '1', 'env', '-i', ...settings, 'node', runner, ...words], {
          env: { ...process.env, LAB: node.name },
          maxBuffer: 1 << 26,
        });
        return { code: 0, ...ended };
      } catch (error) {
        const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
        return { code, stdout, stderr };
      }
    },
    ask: async <T>(port: number, asked: string, token?: string) => {
      const header = token === undefined ? [] : [`--header=Authorization: Bearer ${token}`];
      const options = ['-q', '-O', '-', '--tries=1', '--timeout=10', ...header];
      return JSON.parse(await node.exec(1, 'wget', ...options, `http://127.0.0.1:${port}${asked}`)) as T;
    },
  };
}

/** The builds of the job that scales services, the oldest first, as Alertmanager may read them. */
export async function scalings({ ask, state }: Machine): Promise<BuildDocument[]> {
  const token = readFileSync(path.join(state, 'controller/alertmanager-token'), 'utf8').trim();
  const job = '/job/service-scale';
  const { builds } = await ask<{ builds: { number: number }[] }>(8080, `${job}/api/json`, token);
  const all = builds.map(({ number }) => ask<BuildDocument>(8080, `${job}/${number}/api/json`, token));
  return (await Promise.all(all)).sort((a, b) => a.number - b.number);
}

/** What a build was asked for, and by whom. */
export function askedFor({ actions }: BuildDocument): Record<string, string | undefined> {
  const parameters = actions.flatMap((action) => action.parameters ?? []).map(({ name, value }) => [name, value]);
  const [user] = actions.flatMap((action) => action.causes ?? []).map(({ userId }) => userId);
  return { ...(Object.fromEntries(parameters) as Record<string, string>), user };
}

/** What the system's own services are to be, and the containers in which they run. */
export async function systemAsItIs({ lab }: Machine): Promise<string> {
  const names = (await lab.docker(1, 'service', 'ls', '--filter', 'name=homeostat-', '--format', '{{.Name}}')).split(
    '\n',
  );
  const specs = await lab.docker(1, 'service', 'inspect', '--format', '{{json .Spec}}', ...names.sort());
  const containers = await lab.docker(1, 'ps', '--filter', 'name=homeostat-', '--format', '{{.Names}} {{.ID}}');
  return `${specs}\n${containers.split('\n').sort().join('\n')}`;
}
