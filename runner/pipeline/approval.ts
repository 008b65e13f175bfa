import type { Context } from '../common/context';
import { formatDuration } from '../common/duration';
import type { Engine } from '../common/engine';
import { fail } from '../common/errors';
import { settleDecisions } from '../people/execute';
import { decisionText, type Decision, type Evidence, type Question } from '../people/question';
import { askQuestion, endQuestion, listQuestions, readQuestion, type AskedQuestion } from '../people/questions';
import { changesBetween } from './changes';
import type { Config } from './config';
import { listReleases } from './releases';

/** What is to be approved. */
export interface Approvable {
  stack: string;
  /** Repository and digest: what was tested, and what will run. */
  reference: string;
  digest: string;
  revision?: string;
  /** Folder of the checkout. */
  folder: string;
  askedBy: string;
  /** What the tests said, a line each. */
  verdicts: string[];
  /** Path of the build in Jenkins whose input the decision releases. */
  build?: string;
}

export type ApprovalSettings = Pick<Config, 'name' | 'deploy'>;

/** Milliseconds between looks at the answer. */
const look = 1000;
const defaultWithin = 30 * 60_000;

/**
 * Holds a deploy until a person has approved it, where homeostat.yml asks for that.
 * @param approvedBy who has approved already, in another way
 * @returns who approved, for the record of the release
 * @throws APPROVAL_NEEDED when nobody has answered in time, APPROVAL_REJECTED, APPROVAL_STALE
 */
export async function requireApproval(
  engine: Engine,
  settings: ApprovalSettings,
  what: Approvable,
  approvedBy: string | undefined,
  context: Context,
): Promise<string | undefined> {
  if (!settings.deploy.approval || approvedBy !== undefined) return approvedBy;
  const question = await askApproval(engine, settings, what, context);
  const { id, expiresAt } = question;
  const left = Date.parse(expiresAt) - context.clock.now().getTime();
  context.log.info(
    `waiting up to ${formatDuration(left)} for an approval: homeostat answer ${id} approve (or reject), or in Slack`,
  );
  for (;;) {
    const { state } = await readQuestion(engine, id, context);
    if (state.state !== 'open') return takeApproval(engine, id, context);
    if (context.clock.now().getTime() >= Date.parse(expiresAt))
      await settleDecisions(engine, {}, context, { only: (each) => each.id === id });
    else await context.clock.sleep(look, context.signal);
  }
}

/** Asks for the approval of a deploy; one that is asked for already, or was given and not used yet, comes back. */
export async function askApproval(
  engine: Engine,
  { name, deploy }: ApprovalSettings,
  what: Approvable,
  context: Context,
): Promise<Question> {
  const { stack, digest, build, askedBy } = what;
  const given = await unusedApproval(engine, what, context);
  if (given) return given.question;
  const [last] = await listReleases(engine, stack, context);
  const wanted = typeof deploy.approval === 'object' ? deploy.approval : { within: defaultWithin };
  const verdict = (id: 'approve' | 'reject') => ({ verdict: id, ...(build ? { build } : {}) });
  const { question } = await askQuestion(
    engine,
    {
      kind: 'approval',
      subject: stack,
      key: digest,
      title: `Deploy ${name} to ${stack}?`,
      why: last
        ? `It takes the place of release ${last.data.number}, of ${last.data.origin.at.slice(0, 16)}Z by ${last.data.origin.by}.`
        : 'It is the first release.',
      evidence: await evidenceOf(what, last?.data.origin.revision, context),
      choices: [
        { id: 'approve', label: 'Approve', style: 'primary', action: verdict('approve') },
        { id: 'reject', label: 'Reject', style: 'danger', action: verdict('reject') },
      ],
      fallback: 'reject',
      expiresIn: wanted.within,
      askedBy,
      ...(wanted.by ? { deciders: wanted.by } : {}),
      ...(wanted.self === undefined ? {} : { selfApproval: wanted.self }),
      guard: { digest, from: last?.data.number ?? 0 },
    },
    context,
  );
  return question;
}

/** An approval that a runner which died has waited for. */
async function unusedApproval(
  engine: Engine,
  { stack, digest }: Approvable,
  context: Context,
): Promise<AskedQuestion | undefined> {
  const now = context.clock.now().getTime();
  return (await listQuestions(engine, context, { kind: 'approval' })).find(
    ({ question, state }) =>
      question.subject === stack &&
      question.key === digest &&
      state.state === 'decided' &&
      state.choice === 'approve' &&
      Date.parse(question.expiresAt) > now,
  );
}

async function evidenceOf(
  { reference, revision, folder, verdicts, build }: Approvable,
  before: string | undefined,
  context: Context,
): Promise<Evidence[]> {
  const url = build === undefined ? undefined : context.env.BUILD_URL;
  const changes = before && revision ? await changesBetween(folder, before, revision, context) : undefined;
  return [
    { label: 'image', text: reference },
    ...(revision ? [{ label: 'commit', text: revision }] : []),
    ...(changes && changes.length > 0 ? [{ label: 'changes', text: changes.join('\n') }] : []),
    { label: 'tests', text: verdicts.join('\n') || 'not known here' },
    ...(url ? [{ label: 'build', text: url, url }] : []),
  ];
}

/**
 * Uses an approval that was decided: once, and only for what was approved.
 * @returns who approved
 * @throws APPROVAL_NEEDED, APPROVAL_REJECTED, APPROVAL_STALE
 */
export async function takeApproval(engine: Engine, id: string, context: Context): Promise<string> {
  const { question, state } = await readQuestion(engine, id, context);
  const { subject, guard, expiresAt } = question;
  if (state.state === 'open' || state.via === 'expiry')
    return fail('APPROVAL_NEEDED', `nobody has approved the deploy of ${subject}`, {
      cause: `${id} was open until ${expiresAt}`,
      data: { question: id },
    });
  if (state.choice !== 'approve') {
    await endQuestion(engine, id, { outcome: 'not deployed', ok: true }, context);
    return fail('APPROVAL_REJECTED', `the deploy of ${subject} was rejected`, {
      cause: decisionText(question, state),
      data: { question: id, decision: decisionOf(state) },
    });
  }
  const used = (cause: string) =>
    fail('APPROVAL_STALE', `the approval of the deploy of ${subject} holds no more`, { cause, data: { question: id } });
  if (state.state === 'done') return used(`${id} has ended: ${state.outcome}`);
  const [last] = await listReleases(engine, subject, context);
  const stale = (last?.data.number ?? 0) !== guard.from;
  const outcome = stale ? `release ${last?.data.number} came in between` : 'the deploy begins';
  if (!(await endQuestion(engine, id, { outcome, ok: !stale }, context)))
    return used(`${id} was used at the same moment`);
  if (stale) return used(outcome);
  return state.by;
}

const decisionOf = ({ choice, by, via, at, reason }: Decision) => ({
  choice,
  by,
  via,
  at,
  ...(reason ? { reason } : {}),
});
