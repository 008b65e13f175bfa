import { version as nodeVersion } from 'node:process';
import type { Context } from '../common/context';
import { fail, HomeostatError } from '../common/errors';
import type { Config } from '../pipeline/config';
import type { Check, CheckDefinition } from '../system/checks/check';
import { configOption, dryRunOption, type Command, type CommandResult, type Values } from './command';
import { flag, renderPlan, text } from './shared';

/** Ports of the door, and of what is behind it for the node itself, as `up` chooses them. */
const ports = [80, 443, 5000, 7080, 8080, 9090, 9093];

const command: Command = {
  name: 'doctor',
  describe: 'Check what the machine and the Swarm need, with a remedy for each finding; remove what killed runs left',
  examples: [
    ['homeostat doctor', 'Check everything; the registry of homeostat.yml too, where there is one'],
    ['homeostat doctor --registry registry.example.com:5000', 'Check that the Engine can push to that registry'],
    ['homeostat doctor --fix', 'Install and start what is missing, then check'],
    [
      'homeostat doctor --jenkins https://ci.example.com/ --user admin --token-file token',
      'Check an existing Jenkins: plugins, library, job, rights, agents',
    ],
  ],
  options: {
    ...configOption,
    registry: { type: 'string', describe: 'Registry to push to, as HOST[:PORT] (default: that of homeostat.yml)' },
    fix: {
      type: 'boolean',
      describe: 'Install Docker and git where they are missing (Debian, Ubuntu), start Docker, make a Swarm',
    },
    'advertise-addr': { type: 'string', describe: 'Address of this node in a Swarm that --fix makes' },
    'dry-run': { ...dryRunOption['dry-run'], describe: 'Print what --fix would do and change nothing' },
    jenkins: { type: 'string', describe: 'Check this Jenkins in place of machine and Swarm; nothing is changed there' },
    user: { type: 'string', describe: 'With --jenkins: who asks, best an administrator (or HOMEOSTAT_JENKINS_USER)' },
    'token-file': { type: 'string', describe: 'With --jenkins: file with his API token (or HOMEOSTAT_JENKINS_TOKEN)' },
    'ca-file': { type: 'string', describe: 'With --jenkins: file with its authority (or HOMEOSTAT_JENKINS_CA)' },
    job: { type: 'string', describe: 'With --jenkins: the job that alerts start', default: 'service-scale' },
    caller: { type: 'string', describe: 'With --jenkins: as whom they start it', default: 'alertmanager' },
    library: { type: 'string', describe: 'With --jenkins: name of the shared library', default: 'homeostat' },
    label: { type: 'string', describe: 'With --jenkins: label of the agents that are used', default: 'docker' },
  },
  async run(context, values) {
    if (text(values, 'jenkins') !== undefined) return examineJenkins(context, values);
    const [{ checksOf, examine }, { fix, planFix }, { stateFolder }, { repositoryIn }] = await Promise.all([
      import('../system/doctor'),
      import('../system/fix'),
      import('../system/state'),
      import('../system/checks/registry'),
    ]);
    const { parseImage } = await import('../image/reference');
    const registry = text(values, 'registry');
    const named = registry === undefined ? undefined : repositoryIn(registry);
    const { config, problem } = named ? {} : await readConfiguration(text(values, 'config')!, context);
    if (flag(values, 'dryRun')) {
      const plan = { ...(await planFix(context)), ...(await leftBehind(context)) };
      return { result: { plan }, summary: renderPlan(plan) };
    }
    if (flag(values, 'fix'))
      await fix(
        await planFix(context),
        stateFolder(context),
        { advertiseAddress: text(values, 'advertiseAddr') },
        context,
      );
    const definitions = [
      ...checksOf({ nodeVersion, registry: named ?? (config && parseImage(config.image)), ports }),
      ...(problem ? [problem] : []),
      leftoversCheck,
      rolloutsCheck,
    ];
    return report(await examine(definitions, context), context, values);
  },
};

export default command;

/** The table of the checks, also when it is followed by the error that one of them failed. */
async function report(checks: Check[], context: Context, values: Values): Promise<CommandResult> {
  const { renderChecks, requireHealth } = await import('../system/doctor');
  const summary = renderChecks(checks);
  if (!flag(values, 'json') && checks.some(({ verdict }) => verdict === 'failed'))
    context.stdout.write(`${context.masker(summary)}\n`);
  requireHealth(checks);
  return { result: { checks }, summary };
}

async function examineJenkins(context: Context, values: Values): Promise<CommandResult> {
  const [{ examineJenkins: examine }, { readAuthority, readToken }] = await Promise.all([
    import('../system/jenkins-checks/examine'),
    import('../jenkins/access'),
  ]);
  if (flag(values, 'fix')) fail('USAGE_INVALID', '--fix does nothing to a Jenkins; leave it out, or --jenkins');
  const { env } = context;
  const url = text(values, 'jenkins')!;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol) || new URL(url).username)
    fail(
      'USAGE_INVALID',
      `--jenkins is '${context.masker(url.slice(0, 80)).replace(/\/\/[^@/]*@/, '//')}', which is no address`,
      {
        remedy:
          'Write http:// or https://, the host and the path, without a password, such as https://ci.example.com/.',
      },
    );
  const access = {
    ...{ url, user: text(values, 'user') ?? env.HOMEOSTAT_JENKINS_USER ?? '' },
    token: await readToken(text(values, 'tokenFile'), context),
    authority: await readAuthority(text(values, 'caFile') ?? env.HOMEOSTAT_JENKINS_CA, context),
  };
  const names = { job: text(values, 'job')!, caller: text(values, 'caller')! };
  const settings = { access, ...names, library: text(values, 'library')!, label: text(values, 'label')! };
  return report(await examine(settings, context), context, values);
}

/** homeostat.yml where there is one; a bad one is a finding, so that the other checks are still made. */
async function readConfiguration(
  file: string,
  context: Context,
): Promise<{ config?: Config | undefined; problem?: CheckDefinition }> {
  const { configIfPresent } = await import('../pipeline/standalone');
  try {
    return { config: await configIfPresent(file, context) };
  } catch (error) {
    if (!(error instanceof HomeostatError) || error.code !== 'CONFIG_INVALID') throw error;
    const { message, causeText, evidence, remedy } = error;
    const detail = [message, causeText, ...evidence].filter(Boolean).join('; ');
    return { problem: { name: file, needs: 'nothing', look: () => ({ verdict: 'failed', detail, remedy }) } };
  }
}

/** Candidates and rollouts that killed runs left; none where the Swarm cannot be asked. */
async function leftBehind(context: Context): Promise<{ removeCandidates: string[]; settleRollouts: string[] }> {
  const [{ connectEngine }, { findLeftovers }, { unfinished }] = await Promise.all([
    import('../common/engine'),
    import('../pipeline/candidate'),
    import('../pipeline/settle'),
  ]);
  const engine = connectEngine(context);
  try {
    const rollouts = await unfinished(engine, undefined, context);
    return {
      removeCandidates: await findLeftovers(engine, undefined, context),
      settleRollouts: rollouts.map(({ data }) => `rollout ${data.number} of ${data.stack}`),
    };
  } catch (error) {
    if (context.signal.aborted || !(error instanceof HomeostatError)) throw error;
    return { removeCandidates: [], settleRollouts: [] };
  }
}

export const leftoversCheck: CheckDefinition = {
  name: 'leftovers',
  needs: 'leader',
  async look({ engine, context }) {
    const { findLeftovers, removeAbandoned } = await import('../pipeline/candidate');
    const names = await findLeftovers(engine, undefined, context);
    await Promise.all(names.map((name) => removeAbandoned(engine, name, context)));
    if (names.length === 0) return { verdict: 'ok', detail: 'no candidate was left by a killed run' };
    return {
      verdict: 'warning',
      detail: `removed what killed runs left: ${names.join(', ')}`,
      remedy: 'Nothing more to do; look why those runs were killed.',
    };
  },
};

/** A rollout is watched for its monitor window before it is settled, which takes longer than a look. */
const settleLimit = 28_000;
/** Time to give the lease back when settling is given up. */
const releaseTime = 3000;

export const rolloutsCheck: CheckDefinition = {
  name: 'rollouts',
  needs: 'leader',
  limit: settleLimit,
  async look({ engine, context }) {
    const { settleAll } = await import('../pipeline/settle');
    const late = AbortSignal.timeout(settleLimit - releaseTime);
    const signal = AbortSignal.any([context.signal, late]);
    try {
      return judgeSettlements(await settleAll(engine, undefined, { ...context, signal }));
    } catch (error) {
      if (!late.aborted) throw error;
      return {
        verdict: 'warning',
        detail: 'a rollout that a killed run left is not settled yet',
        remedy: 'Run `homeostat status`, which watches it until it has ended.',
      };
    }
  },
};

/** What settled or running rollouts mean. */
export function judgeSettlements(settlements: { stack: string; running?: string; settled?: string }[]) {
  const settled = settlements.flatMap((each) => (each.settled ? [each.settled] : []));
  const running = settlements.flatMap((each) => (each.running ? [`${each.stack}: ${each.running}`] : []));
  if (settled.length > 0)
    return {
      verdict: 'warning' as const,
      detail: `settled what killed runs left: ${settled.join('; ')}`,
      remedy: 'Look at `homeostat releases` of the stack, and why the run was killed.',
    };
  return {
    verdict: 'ok' as const,
    detail: running.length > 0 ? `going on: ${running.join('; ')}` : 'none is unfinished',
  };
}
