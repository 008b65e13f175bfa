import type { Context } from '../common/context';
import { requireDuration } from '../common/duration';
import { fail } from '../common/errors';
import type { ScaleRequest } from '../scaling/model';
import type { ScalePlan, ScaleResult } from '../scaling/scale';
import { dryRunOption, type Command, type CommandResult, type Values } from './command';
import { actor, flag, text } from './shared';

const prefixOption = { type: 'string', describe: 'Begin of the labels that count', default: 'com.df.' } as const;

const command: Command = {
  name: 'scale',
  describe:
    'Scale a service within the limits of its labels, unless something speaks against it; at a limit people are asked',
  examples: [
    ['homeostat scale shop_web 4', 'Four replicas'],
    ['homeostat scale shop_web +2', 'Two more'],
    ['homeostat scale shop_web up --from-alert', 'One step up, as an alert asks for it'],
    ['homeostat scale shop_web --explain', 'What counts for the service, and what would become of an alert'],
  ],
  options: {
    service: { type: 'string', describe: 'Name of the service, <stack>_<service>' },
    scale: { type: 'string', describe: 'up, down, a number of replicas, or a difference such as +2 or -1' },
    by: { type: 'string', describe: 'For up and down: replicas or a percentage, instead of what the labels say' },
    id: {
      type: 'string',
      describe: 'The same request has the same id, and is carried out once; that of an alert is <fingerprint>@<start>',
    },
    at: { type: 'string', describe: 'When the alert was sent (RFC 3339); after ten minutes it counts no more' },
    'from-alert': {
      type: 'boolean',
      describe: 'An alert asks: all guards count, and what they say is no failure (default: in a build, or with --id)',
    },
    wait: { type: 'string', describe: 'How long new tasks are waited for (default: 60s, for an alert 2s)' },
    type: {
      type: 'string',
      choices: ['service', 'node', 'worker', 'manager'],
      describe: 'What is scaled; nodes as the service’s labels allow, by HOMEOSTAT_NODE_SCALER',
      default: 'service',
    },
    reschedule: {
      type: 'boolean',
      describe: 'Spread the tasks of SERVICE anew, or of all services whose label says so, one after the other',
    },
    explain: { type: 'boolean', describe: 'Say what each guard sees, and change nothing' },
    prefix: prefixOption,
    ...dryRunOption,
  },
  positional: ['service', 'scale'],
  run: (context, values) => {
    if (flag(values, 'reschedule') || text(values, 'scale') === 'reschedule') return spread(context, values);
    if (text(values, 'type') !== 'service') return scaleNodes(context, values);
    return flag(values, 'explain') || flag(values, 'dryRun') ? show(context, values) : scale(context, values);
  },
};

export default command;

/** A build is an alert's as a rule: nobody is there to read a refusal. */
const isAlert = ({ env }: Context, values: Values): boolean =>
  values.fromAlert === undefined
    ? env.JOB_NAME !== undefined || text(values, 'id') !== undefined
    : flag(values, 'fromAlert');

async function requestOf(context: Context, values: Values, scaleWord: string | undefined): Promise<ScaleRequest> {
  const { parseRequest } = await import('../scaling/request');
  const missing = (name: string) =>
    fail('USAGE_INVALID', `${name} is missing: homeostat scale SERVICE up|down|N|+N|-N`);
  return parseRequest(
    {
      service: text(values, 'service') ?? missing('SERVICE'),
      scale: scaleWord ?? missing('what to scale to'),
      step: text(values, 'by'),
      id: text(values, 'id'),
      sentAt: text(values, 'at'),
    },
    isAlert(context, values) ? 'alert' : 'person',
    actor(context),
  );
}

async function settingsOf(context: Context, values: Values) {
  const { scalingSettings } = await import('../scaling/settings');
  return scalingSettings(context.env, text(values, 'prefix')!);
}

async function scale(context: Context, values: Values): Promise<CommandResult> {
  const [{ connectEngine }, { scaleService }] = await Promise.all([
    import('../common/engine'),
    import('../scaling/scale'),
  ]);
  const request = await requestOf(context, values, text(values, 'scale'));
  const given = text(values, 'wait');
  const wait = given === undefined ? (request.origin === 'alert' ? 2000 : 60_000) : requireDuration('--wait', given);
  const settings = await settingsOf(context, values);
  const result = await scaleService(connectEngine(context), request, { settings, wait }, context);
  if (request.origin === 'person') requireDone(result);
  return { result, summary: summaryOf(result) };
}

/** A person is told by the exit code whether it was done; an alert's build is only red where something is broken. */
function requireDone({ service, verdict, reason, observed, problem, ...more }: ScaleResult): void {
  const data = { scaling: { service, verdict, reason, ...more } };
  if (verdict === 'hold' || verdict === 'refuse' || verdict === 'ask')
    fail('SCALE_REFUSED', `${service} is not scaled`, { cause: reason, data });
  if (verdict === 'scale' && !observed)
    fail('SCALE_UNOBSERVED', `${service} was scaled to ${more.to}, and its tasks do not all run yet`, {
      ...(problem === undefined ? {} : { cause: problem }),
      data,
    });
}

function summaryOf({ service, verdict, reason, observed, problem }: ScaleResult): string {
  if (verdict === 'scale') return `${service} ${reason}; ${observed ? 'all run' : problem}`;
  return `${service}: ${verdict === 'none' ? 'nothing to do' : verdict}, ${reason}`;
}

async function show(context: Context, values: Values): Promise<CommandResult> {
  const [{ connectEngine }, { planScale }, { renderPlan }] = await Promise.all([
    import('../common/engine'),
    import('../scaling/scale'),
    import('../scaling/render-plan'),
  ]);
  const engine = connectEngine(context);
  const settings = await settingsOf(context, values);
  const words = text(values, 'scale') ?? (flag(values, 'explain') ? undefined : 'missing');
  if (words !== undefined) {
    const request = await requestOf(context, values, text(values, 'scale'));
    const plan = await planScale(engine, request, settings, context);
    return { result: { plan }, summary: renderPlan([plan]) };
  }
  // Nobody asks for anything: what would become of an alert in each direction.
  const asAlert = { ...values, fromAlert: true };
  const plans: ScalePlan[] = [];
  for (const direction of ['up', 'down'])
    plans.push(await planScale(engine, await requestOf(context, asAlert, direction), settings, context));
  return { result: { up: plans[0], down: plans[1] }, summary: renderPlan(plans) };
}

async function spread(context: Context, values: Values): Promise<CommandResult> {
  const [{ connectEngine }, { planReschedule, reschedule }, { requireServiceName }] = await Promise.all([
    import('../common/engine'),
    import('../scaling/reschedule'),
    import('../scaling/request'),
  ]);
  const name = text(values, 'service');
  const engine = connectEngine(context);
  const settings = await settingsOf(context, values);
  const named = name === undefined ? undefined : requireServiceName(name);
  const services = await planReschedule(engine, named, settings, context);
  if (flag(values, 'dryRun') || flag(values, 'explain'))
    return { result: { plan: { services } }, summary: `to be spread anew: ${services.join(', ') || 'nothing'}` };
  const done = await reschedule(engine, services, context);
  const lines = done.map(({ service, outcome, reason }) => `${service}: ${outcome}${reason ? ` (${reason})` : ''}`);
  if (done.some(({ outcome }) => outcome === 'failed'))
    fail('RESCHEDULE_INCOMPLETE', 'not all services could be spread anew', {
      evidence: lines,
      data: { services: done },
    });
  return { result: { services: done }, summary: lines.join('\n') || 'no service is labelled to be spread anew' };
}

async function scaleNodes(context: Context, values: Values): Promise<CommandResult> {
  const [{ connectEngine }, nodes, { parseRequest, requireServiceName }] = await Promise.all([
    import('../common/engine'),
    import('../scaling/nodes'),
    import('../scaling/request'),
  ]);
  const word = text(values, 'scale') ?? fail('USAGE_INVALID', 'what to scale to is missing: --scale up|down|N|+N|-N');
  const service = text(values, 'service');
  const words = {
    service: 'nodes',
    scale: word,
    step: text(values, 'by'),
    id: text(values, 'id'),
    sentAt: text(values, 'at'),
  };
  const { wish, id, by } = parseRequest(words, 'alert', actor(context));
  const role = text(values, 'type') === 'manager' ? 'manager' : 'worker';
  const request = {
    role,
    wish,
    id,
    by,
    service: service === undefined ? undefined : requireServiceName(service),
  } as const;
  const settings = await settingsOf(context, values);
  const engine = connectEngine(context);
  if (flag(values, 'dryRun') || flag(values, 'explain')) {
    const plan = await nodes.planNodes(engine, request, settings, context);
    return { result: { plan }, summary: `${plan.verdict}: ${plan.reason}` };
  }
  const wait = requireDuration('--wait', text(values, 'wait') ?? '5m');
  const result = await nodes.scaleNodes(engine, request, settings, wait, context);
  const { verdict, reason } = result.decision;
  if (verdict === 'hold' && !isAlert(context, values))
    fail('SCALE_REFUSED', `the ${role}s stay as they are`, { cause: reason });
  return { result, summary: `${verdict}: ${reason}${result.nodes.length > 0 ? ` (${result.nodes.join(', ')})` : ''}` };
}
