import type { Context } from '../common/context';
import { formatDuration, requireDuration } from '../common/duration';
import { fail } from '../common/errors';
import type { ServiceHold } from '../scaling/holds';
import type { Command, CommandResult, Values } from './command';
import { actor, flag, text } from './shared';

/** A hold that nobody remembers would keep a service small for ever. */
const longest = 30 * 86_400_000;

const command: Command = {
  name: 'hold',
  describe: 'Keep a service from being scaled for a while, end that, or list what is held',
  examples: [
    ['homeostat hold shop_web --for 2h --only down --reason "campaign until noon"', 'It may grow and not shrink'],
    ['homeostat hold shop_web --release', 'It may be scaled again'],
    ['homeostat hold', 'What is held'],
  ],
  options: {
    service: { type: 'string', describe: 'Name of the service, <stack>_<service>' },
    for: { type: 'string', describe: 'How long, up to 30d', default: '1h' },
    only: { type: 'string', choices: ['up', 'down'], describe: 'Hold one direction' },
    reason: { type: 'string', describe: 'Why; everybody who is kept from scaling reads it' },
    release: { type: 'boolean', describe: 'End the hold' },
  },
  positional: ['service'],
  run: (context, values) =>
    text(values, 'service') === undefined ? list(context, values) : change(context, values, text(values, 'service')!),
};

export default command;

const modules = () => Promise.all([import('../common/engine'), import('../scaling/holds')]);

async function list(context: Context, values: Values): Promise<CommandResult> {
  if (flag(values, 'release') || text(values, 'reason') !== undefined)
    fail('USAGE_INVALID', 'SERVICE is missing: homeostat hold SERVICE --reason TEXT');
  const [{ connectEngine }, { listHolds }] = await modules();
  const holds = await listHolds(connectEngine(context), context);
  const summary = holds.length === 0 ? 'nothing is held' : holds.map(holdText).join('\n');
  return { result: { holds: holds.map(documentOf) }, summary };
}

async function change(context: Context, values: Values, name: string): Promise<CommandResult> {
  const [[{ connectEngine }, holds], { requireServiceName }, { findService }] = await Promise.all([
    modules(),
    import('../scaling/request'),
    import('../swarm/services'),
  ]);
  const service = requireServiceName(name);
  const engine = connectEngine(context);
  if (flag(values, 'release')) {
    const released = await holds.releaseService(engine, service, context);
    const result = { service, released: released !== undefined };
    return { result, summary: released ? `${service} may be scaled again` : `${service} was not held` };
  }
  const reason =
    text(values, 'reason') ?? fail('USAGE_INVALID', '--reason is missing: those who are held want to know');
  const time = requireDuration('--for', text(values, 'for')!);
  if (time < 1000 || time > longest)
    fail('USAGE_INVALID', `--for is '${text(values, 'for')}'; allowed is a time from 1s to 30d`);
  const found = await findService(engine, service, context);
  if (!found) fail('SERVICE_MISSING', `there is no service ${service}`);
  const only = values.only as ServiceHold['only'];
  const until = context.clock.now().getTime() + time;
  const draft = { service: found.Spec.Name, only, by: actor(context), reason, until };
  const hold = await holds.holdService(engine, draft, context);
  return { result: documentOf(hold), summary: `${holdText(hold)} (for ${formatDuration(time)})` };
}

const documentOf = ({ service, only, by, reason, until }: ServiceHold) => ({
  ...{ service, held: only ?? 'all', by, reason },
  until: new Date(until).toISOString(),
});

const holdText = ({ service, only, by, reason, until }: ServiceHold) =>
  `${service} is held${only === undefined ? '' : `, ${only} only`}, until ${new Date(until).toISOString()} by ${by}: ${reason}`;
