import { requireDuration } from '../common/duration';
import { fail } from '../common/errors';
import type { StandingRule } from '../people/standing-rules';
import type { Command, CommandResult, Values } from './command';
import { actor, flag, text } from './shared';

const command: Command = {
  name: 'rules',
  describe: 'Standing rules: what the system may do by itself at a limit, because a person has decided so',
  examples: [
    ['homeostat rules', 'The rules that hold'],
    ['homeostat rules add --service shop_web --direction up --up-to 8 --for 30d --reason "the sale"', 'A new rule'],
    ['homeostat rules revoke r-7k2m9x', 'It asks again from now on'],
  ],
  options: {
    action: { type: 'string', choices: ['list', 'add', 'revoke'], describe: 'What to do', default: 'list' },
    id: { type: 'string', describe: 'With revoke: id of the rule' },
    service: { type: 'string', describe: 'Name of the service; with list: only its rules' },
    direction: { type: 'string', choices: ['up', 'down'], describe: 'With add: which way it may scale', default: 'up' },
    'up-to': { type: 'number', describe: 'With add: replicas that it may scale to' },
    for: { type: 'string', describe: 'With add: how long the rule holds, such as 30d', default: '30d' },
    reason: { type: 'string', describe: 'With add: why, for the record' },
    all: { type: 'boolean', describe: 'With list: also rules that hold no more' },
    by: { type: 'string', describe: 'Who decides (default: the user of this machine)' },
  },
  positional: ['action', 'id'],
  async run(context, values) {
    const [{ connectEngine }, rules] = await Promise.all([
      import('../common/engine'),
      import('../people/standing-rules'),
    ]);
    const by = text(values, 'by') ?? actor(context);
    const action = text(values, 'action');
    const draft = action === 'add' ? draftOf(values, by) : undefined;
    const id =
      action === 'revoke' ? (text(values, 'id') ?? fail('USAGE_INVALID', 'revoke needs the id of a rule')) : '';
    const engine = connectEngine(context);
    if (draft) return told('added', await rules.addRule(engine, draft, context));
    if (action === 'revoke') return told('revoked', await rules.revokeRule(engine, id, by, context));
    const service = text(values, 'service');
    const wanted = { all: flag(values, 'all'), ...(service ? { service } : {}) };
    const found = await rules.listRules(engine, context, wanted);
    return { result: { rules: found }, summary: found.map(line).join('\n') || 'there are no standing rules' };
  },
};

export default command;

const told = (what: string, rule: StandingRule): CommandResult => ({
  result: { [what]: rule },
  summary: `${what} ${line(rule)}`,
});

const line = ({ id, service, direction, upTo, until, author, reason, revokedAt, revokedBy }: StandingRule) =>
  `${id}  ${service} ${direction} to ${upTo} until ${until.slice(0, 16)}Z  by ${author}: ${reason}${revokedAt ? `  (revoked ${revokedAt.slice(0, 16)}Z by ${revokedBy})` : ''}`;

function draftOf(values: Values, author: string) {
  const service = text(values, 'service');
  const upTo = values.upTo as number | undefined;
  const reason = text(values, 'reason');
  const missing = [
    service === undefined ? '--service' : '',
    upTo === undefined ? '--up-to' : '',
    reason === undefined ? '--reason' : '',
  ].filter(Boolean);
  if (missing.length > 0) fail('USAGE_INVALID', `add needs ${missing.join(', ')}`);
  return {
    service: service!,
    upTo: upTo!,
    reason: reason!,
    author,
    direction: values.direction as 'up' | 'down',
    holds: requireDuration('--for', text(values, 'for')!),
  };
}
