import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { defaultMonitorSettings } from '../../runner/monitor/settings';
import type { MonitoredService, MonitorSettings } from '../../runner/monitor/model';
import { renderMonitor } from '../../runner/monitor/render';
import { describe } from '../labels/support';

const run = promisify(execFile);

/** A service that takes part, from labels without prefix. */
export function service(
  name: string,
  labels: Record<string, string>,
  more: Partial<MonitoredService> = {},
): MonitoredService {
  const { description, problems } = describe(labels);
  if (!description) throw new Error(problems.map(({ message }) => message).join('\n'));
  return { description: { ...description, name }, stack: 'shop', mode: 'replicated', createdAt: '', labels, ...more };
}

/** Labels of alerts: name to condition. */
export const alerts = (conditions: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(conditions).flatMap(([name, condition], index) => [
      [`alertName.${index + 1}`, name],
      [`alertIf.${index + 1}`, condition],
    ]),
  );

export const render = (services: MonitoredService[], settings: Partial<MonitorSettings> = {}) =>
  renderMonitor({ services, settings: { ...defaultMonitorSettings, ...settings } });

/** Writes files into a folder of the test. */
export function writeFiles(t: Test, files: Record<string, string>): string {
  const folder = t.testdir({});
  for (const [name, text] of Object.entries({ 'credentials/controller': 'x\n', ...files })) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
  return folder;
}

/** What promtool says of a configuration; empty where it takes it. */
export async function complaints(t: Test, files: Record<string, string>): Promise<string> {
  const folder = writeFiles(t, files);
  return promtool(['check', 'config', path.join(folder, 'prometheus.yml')]);
}

/** What promtool says; empty where all is well. */
export async function promtool(args: string[]): Promise<string> {
  try {
    await run('promtool', args, { cwd: '/', maxBuffer: 64 * 1024 * 1024 });
    return '';
  } catch (error) {
    const { stdout, stderr, message } = error as { stdout?: string; stderr?: string; message: string };
    return stdout || stderr ? `${stdout}\n${stderr}` : message;
  }
}
