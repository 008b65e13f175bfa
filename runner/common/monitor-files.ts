import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { textsIn } from './text-files';

const secrets = '/run/secrets';

/** Texts that settings of the monitor come from besides the environment. */
export interface MonitorTexts {
  configuration?: string;
  scrapes: Record<string, string>;
  shortcuts: Record<string, string>;
}

/**
 * Reads the files that the environment names: `HOMEOSTAT_MONITOR_CONFIGURATION` (a file), `CONFIGS_DIR` (a folder with
 * `scrape_*`) and `HOMEOSTAT_MONITOR_SHORTCUTS` (a folder with `alertif-*` and `alertif_*`); both folders are /run/secrets by
 * default. What is not there has no text, but for the file that is named.
 * @throws Error where the named file cannot be read
 */
export async function readMonitorTexts(env: Record<string, string | undefined>, cwd = '/'): Promise<MonitorTexts> {
  const named = env.HOMEOSTAT_MONITOR_CONFIGURATION;
  const folder = (variable: string) => path.resolve(cwd, env[variable] || secrets);
  const [configuration, scrapes, shortcuts] = await Promise.all([
    named ? readFile(path.resolve(cwd, named), 'utf8') : undefined,
    textsIn(folder('CONFIGS_DIR'), /^scrape_[\w.-]+$/),
    textsIn(folder('HOMEOSTAT_MONITOR_SHORTCUTS'), /^alertif[-_][\w.-]+$/),
  ]);
  return { ...(configuration === undefined ? {} : { configuration }), scrapes, shortcuts };
}
