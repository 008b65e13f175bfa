import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { textsIn } from './text-files';

/** Texts that settings of alerting come from besides the environment. */
export interface AlertingTexts {
  settingsFile?: { name: string; text: string };
  /** Message templates by file name. */
  templates: Record<string, string>;
}

/**
 * Reads what the environment names: `HOMEOSTAT_ALERTING_FILE`, and the `*.tmpl` of the folder
 * `HOMEOSTAT_ALERTING_TEMPLATES`.
 * @throws Error where the named file cannot be read
 */
export async function readAlertingTexts(env: Record<string, string | undefined>, cwd = '/'): Promise<AlertingTexts> {
  const { HOMEOSTAT_ALERTING_FILE: name, HOMEOSTAT_ALERTING_TEMPLATES: folder } = env;
  return {
    ...(name ? { settingsFile: { name, text: await readFile(path.resolve(cwd, name), 'utf8') } } : {}),
    templates: folder ? await textsIn(path.resolve(cwd, folder), /\.tmpl$/) : {},
  };
}
