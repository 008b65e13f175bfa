import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import type { NodeFolders } from '../../runner/exporter/node-files';
import { serveExporter } from '../../runner/exporter/serve';
import type { Lab } from '../lab';
import { realContext } from '../lab/context';

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** The samples of a text that Prometheus would read; whatever does not fit is an error. */
export function samplesOf(text: string): Sample[] {
  return text
    .split('\n')
    .filter((line) => line && !line.startsWith('#'))
    .map((line) => {
      const match = /^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)$/.exec(line);
      if (!match) throw new Error(`not a sample: ${line}`);
      const pairs = [...(match[2] ?? '').matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)];
      const labels = pairs.map(([, name, value]) => [
        name,
        value!.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character)),
      ]);
      return { name: match[1]!, labels: Object.fromEntries(labels) as Record<string, string>, value: Number(match[3]) };
    });
}

/** What promtool says of metrics; empty where nothing is wrong. */
export function promtoolSays(text: string): string {
  const { status, stdout, stderr, error } = spawnSync('promtool', ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  });
  if (error) throw error;
  return status === 0 ? '' : `${stdout}${stderr}`;
}

/** Names that cAdvisor has chosen, and promtool would not. */
export const withoutCadvisorsNames = (said: string): string =>
  said
    .split('\n')
    .filter((line) => line && !/^container_/.test(line))
    .join('\n');

export interface Exporter {
  url: string;
  written(): string;
  text(): Promise<string>;
  samples(): Promise<Sample[]>;
  /** The value of a metric, of the container of that name where one is named. */
  value(metric: string, container?: string): Promise<number | undefined>;
  containers(): Promise<string[]>;
}

/** The files of the first node of a lab, as a container of that node would have them. */
export function nodeFolders(lab: Lab): NodeFolders {
  const init = readFileSync(path.join(path.dirname(lab.socket()), 'node1/init.pid'), 'utf8').trim();
  return { cgroup: `/proc/${init}/root/sys/fs/cgroup`, proc: `/proc/${init}/root/proc` };
}

export const noFolders: NodeFolders = { cgroup: '/nonexistent', proc: '/nonexistent' };

/** The exporter of the first node of a lab, until the test has ended. */
export async function startExporter(
  t: Test,
  lab: Lab,
  { folders = nodeFolders(lab), host = lab.dockerHost(), interval = 30_000 } = {},
): Promise<Exporter> {
  const context = realContext({ env: { DOCKER_HOST: host } });
  const running = await serveExporter({ host: '127.0.0.1', port: 0, interval, ...folders }, context);
  t.teardown(() => running.close());
  const url = `http://127.0.0.1:${running.port}`;
  const text = async () => (await fetch(`${url}/metrics`)).text();
  const samples = async () => samplesOf(await text());
  return {
    ...{ url, text, samples, written: context.written },
    value: async (metric, container) =>
      (await samples()).find(
        ({ name, labels }) => name === metric && (container === undefined || labels.name === container),
      )?.value,
    containers: async () =>
      (await samples()).filter(({ name }) => name === 'container_last_seen').map(({ labels }) => labels.name!),
  };
}

/** Waits until something is so; generously, for the machine may be busy. */
export async function until(what: string, test: () => Promise<boolean>, limit = 60_000): Promise<void> {
  const end = Date.now() + limit;
  while (!(await test())) {
    if (Date.now() > end) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
