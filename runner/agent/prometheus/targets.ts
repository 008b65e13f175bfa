import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { Context } from '../../common/context';
import { messageOf } from '../../common/errors';
import { targetsRevision } from '../../common/targets';
import type { ControllerClient } from '../controller-client';
import { pauseAfter } from '../pause';

const schema = z.array(
  z.strictObject({ targets: z.array(z.string().max(1000)), labels: z.record(z.string(), z.string()) }),
);

const firstPause = 250;
const longestPause = 5000;
/** An answer without news that comes sooner was not waited for by the controller. */
const shortAnswer = 1000;

/**
 * Keeps a file of targets as the controller says, until the context's signal; what is in it stays while the controller is
 * away. Prometheus looks at the file as soon as it is another one. Never rejects.
 */
export async function followTargets(file: string, client: ControllerClient, context: Context): Promise<void> {
  const { clock, log, signal } = context;
  let failures = 0;
  let told = '';
  let have = targetsRevision(await readFile(file, 'utf8').catch(() => ''));
  while (!signal.aborted) {
    const asked = clock.monotonic();
    try {
      const text = await client.targets(have);
      if (text !== undefined && targetsRevision(text) !== have) {
        await writeTargets(file, text);
        have = targetsRevision(text);
      } else if (clock.monotonic() - asked < shortAnswer) await clock.sleep(shortAnswer, signal);
      failures = 0;
      told = '';
    } catch (error) {
      if (signal.aborted) return;
      const message = messageOf(error);
      if (message !== told) log.warn(`the targets stay as they are: ${message}`);
      told = message;
      await clock.sleep(pauseAfter(++failures, firstPause, longestPause, Math.random()), signal).catch(() => undefined);
    }
  }
}

/** Puts a list of targets there whole. @throws Error where it is none, or the disk does not take it */
async function writeTargets(file: string, text: string): Promise<void> {
  const parsed = schema.safeParse(parseJson(text));
  if (!parsed.success) throw new Error("the controller's answer is no list of targets");
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.part`, text, { mode: 0o600 });
  await rename(`${file}.part`, file);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
