import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import type { AlertedService, AlertingInput } from '../../runner/alerting/model';
import { renderAlerting } from '../../runner/alerting/render';
import { alertingSettings } from '../../runner/alerting/settings';
import type { ScaleDescription } from '../../runner/labels/description';

const run = promisify(execFile);

export const scale: ScaleDescription = {
  minimum: 1,
  maximum: 5,
  upBy: { amount: 1, unit: 'replicas' },
  downBy: { amount: 1, unit: 'replicas' },
  reschedule: false,
  paused: 'none',
};

/** A service with limits. */
export const scaled = (name: string, more: Partial<ScaleDescription> = {}): AlertedService => ({
  name,
  scale: { ...scale, ...more },
});

export const jobEnvironment = {
  HOMEOSTAT_ALERTING_JOB_URL: 'http://jenkins.example:8080',
  HOMEOSTAT_ALERTING_JOB_USER: 'alertmanager',
  HOMEOSTAT_ALERTING_JOB_TOKEN_FILE: '/run/secrets/job-token',
  HOMEOSTAT_ALERTING_SLACK_URL_FILE: '/run/secrets/slack-url',
  HOMEOSTAT_ALERTING_SLACK_CHANNEL: '#alerts',
};

/** Settings that must be right. */
export function settingsOf(env: Record<string, string> = jobEnvironment, file = '') {
  const { settings, problems } = alertingSettings(env, { name: 'alerting.yml', text: file });
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join('\n'));
  return settings;
}

export const render = (input: Partial<AlertingInput> = {}) =>
  renderAlerting({ services: [], settings: settingsOf(), templates: {}, ...input });

export async function writeFiles(folder: string, files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text);
  }
}

/** A folder that is gone at the end of the test. */
export async function folderFor(t: Test): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'homeostat-alerting-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export interface Checked {
  code: number;
  text: string;
  /** Standard output alone. */
  stdout: string;
}

export async function amtool(...args: string[]): Promise<Checked> {
  try {
    const { stdout, stderr } = await run('amtool', args);
    return { code: 0, text: stdout + stderr, stdout };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number | string; stdout: string; stderr: string };
    if (typeof code !== 'number') throw error;
    return { code, text: stdout + stderr, stdout };
  }
}

/** What amtool says of files, which lie in a folder of their own. */
export async function check(t: Test, files: Record<string, string>): Promise<Checked> {
  const folder = await folderFor(t);
  await writeFiles(folder, files);
  return amtool('check-config', path.join(folder, 'alertmanager.yml'));
}
