import type { Context } from '../common/context';
import { run } from '../common/process';

const most = 10;
const revisionShape = /^[0-9a-f]{7,64}$/;

/** The commits from one revision to another, newest first, a line each; undefined where git cannot tell. */
export async function changesBetween(
  folder: string,
  from: string,
  to: string,
  context: Context,
): Promise<string[] | undefined> {
  if (!revisionShape.test(from) || !revisionShape.test(to)) return undefined;
  const safe = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: '*' };
  const args = ['-C', folder, 'log', `--max-count=${most + 1}`, '--format=%h %an: %s', `${from}..${to}`];
  const result = await run('git', args, {
    env: { ...context.env, ...safe },
    signal: context.signal,
    timeout: 20_000,
  }).catch(() => undefined);
  if (result?.code !== 0) return undefined;
  const lines = result.stdout.split('\n').filter(Boolean);
  return lines.length > most ? [...lines.slice(0, most), '\u2026'] : lines;
}
