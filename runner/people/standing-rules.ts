import { randomBytes } from 'node:crypto';
import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { fail } from '../common/errors';
import { createRecord, listRecords, recordName, removeRecord, type StoredRecord } from '../swarm/store';
import { changeRecord } from './change-record';

/** What a person has decided for the next times as well. */
export interface StandingRule {
  id: string;
  kind: 'limit';
  service: string;
  direction: 'up' | 'down';
  /** Replicas up to which, or down to which, it may go without asking. */
  upTo: number;
  /** RFC 3339 */
  until: string;
  author: string;
  reason: string;
  createdAt: string;
  revokedAt?: string;
  revokedBy?: string;
}

export type RuleDraft = Pick<StandingRule, 'service' | 'direction' | 'upTo' | 'author' | 'reason'> & {
  /** Milliseconds that it holds. */
  holds: number;
  /** Makes a repeated call harmless. */
  id?: string;
};

/** Rules kept; those that hold no more go first. */
const kept = 100;
const longestReason = 300;

/** The data never changes; a revocation stands in the labels. */
const fromRecord = ({ data, labels }: StoredRecord<StandingRule>): StandingRule => ({
  ...data,
  ...(labels.revokedAt ? { revokedAt: labels.revokedAt, revokedBy: labels.revokedBy ?? '' } : {}),
});

const listAll = async (engine: Engine, context: Context) =>
  (await listRecords<StandingRule>(engine, { kind: 'rule' }, context)).sort((a, b) =>
    a.data.createdAt < b.data.createdAt ? 1 : -1,
  );

/** Whether a rule holds at this time. */
export const ruleHolds = (rule: StandingRule, now: Date): boolean =>
  rule.revokedAt === undefined && Date.parse(rule.until) > now.getTime();

/** Standing rules, newest first; those that hold no more only when asked for. */
export async function listRules(
  engine: Engine,
  context: Context,
  wanted: { service?: string; all?: boolean } = {},
): Promise<StandingRule[]> {
  const now = context.clock.now();
  return (await listAll(engine, context))
    .map(fromRecord)
    .filter((rule) => wanted.service === undefined || rule.service === wanted.service)
    .filter((rule) => wanted.all || ruleHolds(rule, now));
}

/** Adds a rule; with an id that exists nothing is added and the rule that is there comes back. */
export async function addRule(engine: Engine, draft: RuleDraft, context: Context): Promise<StandingRule> {
  const { holds, id = `r-${randomBytes(4).toString('hex')}`, ...rest } = draft;
  const now = context.clock.now();
  const rule: StandingRule = {
    ...rest,
    id,
    kind: 'limit',
    reason: context.masker(rest.reason).slice(0, longestReason),
    until: new Date(now.getTime() + holds).toISOString(),
    createdAt: now.toISOString(),
  };
  const labels = { kind: 'rule', id, service: rule.service };
  if (!(await createRecord(engine, recordName('rule', id), labels, rule, context)))
    return (await find(engine, id, context))!.data;
  const old = (await listAll(engine, context)).filter((record) => !ruleHolds(fromRecord(record), now));
  for (const record of old.slice(kept)) await removeRecord(engine, record.id, context);
  return rule;
}

const find = async (engine: Engine, id: string, context: Context) =>
  (await listRecords<StandingRule>(engine, { kind: 'rule', id }, context))[0];

/**
 * Revokes a rule; one that was revoked stays as it is.
 * @throws RULE_MISSING
 */
export async function revokeRule(engine: Engine, id: string, by: string, context: Context): Promise<StandingRule> {
  const revokedAt = context.clock.now().toISOString();
  const before = await changeRecord<StandingRule>(
    engine,
    () => find(engine, id, context),
    ({ labels }) => (labels.revokedAt ? undefined : { ...labels, revokedAt, revokedBy: by }),
    context,
  );
  if (!before) return fail('RULE_MISSING', `there is no standing rule '${id.slice(0, 40)}'`);
  return { revokedAt, revokedBy: by, ...fromRecord(before) };
}
