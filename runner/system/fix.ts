import type { Context } from '../common/context';
import { connectEngine } from '../common/engine';
import { engineAnswers, engineNeeds, installPackages, missingPackages, startEngine } from './machine';
import { ensureSwarm, swarmInfo, type SwarmInitOptions } from './swarm-init';

/** What `doctor --fix` does, as plain data. */
export interface FixPlan {
  /** Debian packages. */
  install: string[];
  startEngine: boolean;
  initialiseSwarm: boolean;
}

/** What is known before a fix is planned. */
export interface Before {
  missing: string[];
  answers: boolean;
  /** DOCKER_HOST. */
  host: string | undefined;
  /** State of the Engine in its Swarm; undefined when it does not answer. */
  swarm: string | undefined;
}

const ownSocket = /^(unix:\/\/(\/var)?\/run\/docker\.sock)?$/;

/** Decides what to fix. Only the Engine of this machine is started, and no Swarm is ever left or joined. */
export function decideFix({ missing, answers, host, swarm }: Before): FixPlan {
  const start = !answers && ownSocket.test(host ?? '');
  return {
    install: missing,
    startEngine: start,
    initialiseSwarm: answers ? swarm === 'inactive' || swarm === '' : start,
  };
}

/** Looks what there is to fix; changes nothing. */
export async function planFix(context: Context): Promise<FixPlan> {
  const answers = await engineAnswers(context);
  const host = context.env.DOCKER_HOST;
  const local = ownSocket.test(host ?? '');
  const needs = engineNeeds.filter(
    ({ program }) =>
      program === 'docker' || program === 'git' || (local && !answers) || (local && program === 'debootstrap'),
  );
  const swarm = answers ? ((await swarmInfo(connectEngine(context), context)).LocalNodeState ?? '') : undefined;
  return decideFix({ missing: await missingPackages(needs, context), answers, host, swarm });
}

/**
 * Installs, starts and initialises what the plan says, saying so before each.
 * @throws INSTALL_FAILED, ENGINE_UNREACHABLE, ENGINE_FAILED
 */
export async function fix(plan: FixPlan, folder: string, options: SwarmInitOptions, context: Context): Promise<void> {
  await installPackages(plan.install, folder, context);
  if (plan.startEngine && !(await engineAnswers(context))) await startEngine(folder, context);
  if (!plan.initialiseSwarm) return;
  const engine = connectEngine(context);
  const { LocalNodeState } = await swarmInfo(engine, context);
  if (!LocalNodeState || LocalNodeState === 'inactive') await ensureSwarm(engine, folder, options, context);
}
