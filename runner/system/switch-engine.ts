import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { fail } from '../common/errors';
import { JenkinsClient } from '../jenkins/client';
import { findService } from '../swarm/services';
import { removeStack } from '../swarm/stack';
import { homeostatTokenFile, homeostatUser, tokenOf } from './job-tokens';
import { jobsStack, type SystemSettings } from './services';
import type { EngineName } from './system-file';

export const jenkinsStack = 'homeostat-jenkins';

/** Milliseconds. */
const limits = { idle: 600_000, removal: 60_000 };
const poll = 2000;

/** The stack of an engine of jobs, and the service in it that is asked. */
export const engineStacks = {
  embedded: { stack: jobsStack, service: `${jobsStack}_jobs` },
  jenkins: { stack: jenkinsStack, service: `${jenkinsStack}_controller` },
} as const;

/** The engine that runs and is not the wanted one. */
export async function otherEngine(
  engine: Engine,
  wanted: EngineName,
  context: Context,
): Promise<EngineName | undefined> {
  const other = wanted === 'jenkins' ? 'embedded' : 'jenkins';
  return (await findService(engine, engineStacks[other].service, context)) ? other : undefined;
}

/**
 * Ends the engine that is not wanted any more, after its builds have ended and its queue is empty: no job is lost, and its
 * history stays for the way back, in a volume or in the folder of the system.
 * @throws ENGINE_BUSY when it is not idle by then
 */
export async function leaveEngine(
  engine: Engine,
  other: EngineName,
  settings: SystemSettings,
  context: Context,
): Promise<void> {
  const token = await tokenOf({ file: homeostatTokenFile(settings.folder) }, context);
  const client = new JenkinsClient(
    { url: `http://127.0.0.1:${settings.jobsPort}`, user: homeostatUser, token },
    context,
  );
  const end = context.clock.monotonic() + limits.idle;
  for (let told = ''; ;) {
    const busy = await client.busy();
    if (busy.length === 0) break;
    if (context.clock.monotonic() > end)
      fail('ENGINE_BUSY', `${busy.join(', ')} did not end within ${limits.idle / 60_000} minutes`);
    if (told !== busy.join()) context.stdout.write(`waiting for the builds of ${busy.join(', ')}\n`);
    told = busy.join();
    await context.clock.sleep(poll, context.signal);
  }
  const { stack } = engineStacks[other];
  const left = await removeStack(engine, stack, limits.removal, context, { volumes: false });
  if (left.length > 0) fail('SYSTEM_FAILED', `${stack} cannot be removed`, { cause: left.join('; ') });
}
