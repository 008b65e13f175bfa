import t from 'tap';
import { systemClock } from '../../runner/common/clock';
import { HomeostatError } from '../../runner/common/errors';
import { settleDecisions, type Executor } from '../../runner/people/execute';
import { listNotices } from '../../runner/people/notices';
import { askQuestion, decideQuestion, endQuestion, listQuestions, readQuestion } from '../../runner/people/questions';
import { addRule, listRules, revokeRule } from '../../runner/people/standing-rules';
import { tellScaled } from '../../runner/scaling/tell-scaled';
import { failureOf } from '../common/support';
import { withLab } from '../lab';
import { realContext } from '../lab/context';
import { limitDraft, ownSubject } from '../people/support';

/** Of this file alone: whoever settles the decisions of a Swarm settles all of them. */
const own = withLab(t);

const later = (milliseconds: number) => ({
  ...systemClock,
  now: () => new Date(systemClock.now().getTime() + milliseconds),
});

t.test('a question that is open is asked once, by however many at once', async (t) => {
  const engine = (await own).engine();
  const context = realContext();
  const subject = ownSubject(t, engine);
  const asked = await Promise.all(Array.from({ length: 8 }, () => askQuestion(engine, limitDraft(subject), context)));
  t.equal(asked.filter(({ created }) => created).length, 1);
  t.equal(new Set(asked.map(({ question }) => question.id)).size, 1);
  const other = await askQuestion(engine, limitDraft(subject, { key: 'down' }), context);
  t.equal(other.created, true, 'about something else there is another one');
  const { id } = asked[0]!.question;
  t.equal(await decideQuestion(engine, id, { choice: 'ignore', by: 'ada', via: 'slack' }, context), 'decided');
  const again = await askQuestion(engine, limitDraft(subject), context);
  t.equal(again.created, true, 'once it is decided it can be asked again');
  t.not(again.question.id, id);
});

t.test('of many answers at the same moment exactly one decides, and is carried out once', async (t) => {
  const engine = (await own).engine();
  const context = realContext();
  const subject = ownSubject(t, engine);
  for (let round = 0; round < 5; round++) {
    const { question } = await askQuestion(engine, limitDraft(subject, { key: `round ${round}` }), context);
    const choices = ['scale', 'hold', 'ignore'];
    const done: string[] = [];
    const executor: Executor = async (_question, decision) => {
      done.push(decision.choice);
      return { outcome: `did ${decision.choice}`, ok: true };
    };
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        decideQuestion(engine, question.id, { choice: choices[index % 3]!, by: `p${index}`, via: 'slack' }, context),
      ),
    );
    t.equal(answers.filter((each) => each === 'decided').length, 1);
    const { state } = await readQuestion(engine, question.id, context);
    t.equal(state.state, 'decided');
    for (const each of answers)
      if (each !== 'decided')
        t.match(each, { already: state.state === 'decided' ? { by: state.by, choice: state.choice } : {} });
    await Promise.all(Array.from({ length: 4 }, () => settleDecisions(engine, { limit: executor }, context)));
    t.equal(done.length, 1, 'four who settle at once carry it out once');
    const ended = (await readQuestion(engine, question.id, context)).state;
    t.match(ended, { state: 'done', ok: true, outcome: `did ${done[0]}` });
  }
});

t.test(
  'answers of those who may not, that are none, or that come too late are refused and change nothing',
  async (t) => {
    const engine = (await own).engine();
    const context = realContext({ env: { HOMEOSTAT_GROUPS: 'ops=ada,U1' } });
    const subject = ownSubject(t, engine);
    const { question } = await askQuestion(engine, limitDraft(subject, { deciders: ['ops'], askedBy: 'U1' }), context);
    const decide = (more: object, clock = systemClock) =>
      decideQuestion(engine, question.id, { choice: 'scale', by: 'ada', via: 'slack', ...more }, { ...context, clock });
    t.match(await decide({ by: 'eve' }), { refused: 'eve may not decide this; ops may' });
    t.match(await decide({ choice: 'drop' }), { refused: /no answer/ });
    t.match(await decide({ by: 'U1' }), { refused: /asked for this/ });
    t.match(await decide({}, later(61_000)), { refused: /expired/ });
    t.match(await decide({ via: 'expiry', choice: 'ignore' }), { refused: /has not expired/ });
    t.equal((await readQuestion(engine, question.id, context)).state.state, 'open');
    t.equal(await decide({}), 'decided', 'and then who may decides');
    t.match(await decide({ by: 'ada', choice: 'hold' }), { already: { by: 'ada', choice: 'scale' } });
    t.equal((await failureOf(() => readQuestion(engine, 'q-none', context))).code, 'QUESTION_MISSING');
    t.equal(
      (await failureOf(() => decideQuestion(engine, 'q-none', { choice: 'a', by: 'b', via: 'slack' }, context))).code,
      'QUESTION_MISSING',
    );
  },
);

t.test('what nobody answers ends with the choice that was declared for it', async (t) => {
  const engine = (await own).engine();
  const context = realContext();
  const subject = ownSubject(t, engine);
  const { question } = await askQuestion(engine, limitDraft(subject), context);
  const seen: string[] = [];
  const limit: Executor = async ({ subject }, { choice, via }) => {
    seen.push(`${subject} ${choice} ${via}`);
    return { outcome: 'nothing was changed', ok: true };
  };
  const mine = (list: string[]) => list.filter((line) => line.startsWith(subject));
  await settleDecisions(engine, { limit }, context);
  t.same(mine(seen), [], 'not before its time');
  await settleDecisions(engine, { limit }, { ...context, clock: later(61_000) });
  t.same(mine(seen), [`${subject} ignore expiry`]);
  t.match((await readQuestion(engine, question.id, context)).state, { state: 'done', by: 'nobody', via: 'expiry' });
});

t.test('an executor that cannot reach something is tried again; what was refused ends at once', async (t) => {
  const engine = (await own).engine();
  const context = realContext();
  const subject = ownSubject(t, engine);
  const ask = async (key: string) => (await askQuestion(engine, limitDraft(subject, { key }), context)).question.id;
  const away = await ask('away');
  const refused = await ask('refused');
  for (const id of [away, refused])
    await decideQuestion(engine, id, { choice: 'scale', by: 'ada', via: 'slack' }, context);
  let tries = 0;
  const limit: Executor = async ({ id }) => {
    if (id === refused) throw new HomeostatError('ANSWER_REFUSED', 'the limit was lowered meanwhile');
    if (id === away && ++tries === 1) throw new HomeostatError('ENGINE_UNREACHABLE', 'the Engine is away');
    return { outcome: 'scaled', ok: true };
  };
  await settleDecisions(engine, { limit }, context).catch(() => undefined);
  const state = async (id: string) => (await readQuestion(engine, id, context)).state;
  t.match(await state(away), { state: 'decided' });
  await settleDecisions(engine, { limit }, context);
  t.match(await state(away), { state: 'done', ok: true, outcome: 'scaled' });
  t.match(await state(refused), { state: 'done', ok: false, outcome: /lowered meanwhile/ });
});

t.test('an answer can become a standing rule, once, that is listed and revoked', async (t) => {
  const engine = (await own).engine();
  const context = realContext();
  const subject = ownSubject(t, engine);
  const { question } = await askQuestion(engine, limitDraft(subject), context);
  const limit: Executor = async () => ({ outcome: 'scaled', ok: true });
  const answer = { choice: 'scale', by: 'ada', via: 'slack', standing: true, reason: 'the sale' } as const;
  t.equal(await decideQuestion(engine, question.id, answer, context), 'decided');
  await settleDecisions(engine, { limit }, context);
  const [rule, ...more] = await listRules(engine, context, { service: subject });
  t.match(rule, { direction: 'up', upTo: 5, author: 'ada', reason: 'the sale' });
  t.equal(more.length, 0);
  t.equal(Math.round((Date.parse(rule!.until) - Date.now()) / 86_400_000), 30);
  const same = {
    service: subject,
    direction: 'up',
    upTo: 9,
    author: 'eve',
    reason: '',
    holds: 1000,
    id: rule!.id,
  } as const;
  t.equal((await addRule(engine, same, context)).upTo, 5, 'the same id adds nothing');
  t.same(await listRules(engine, { ...context, clock: later(31 * 86_400_000) }, { service: subject }), [], 'it ends');
  await revokeRule(engine, rule!.id, 'grace', context);
  t.same(await listRules(engine, context, { service: subject }), []);
  t.match(await listRules(engine, context, { service: subject, all: true }), [{ revokedBy: 'grace' }]);
  t.equal((await failureOf(() => revokeRule(engine, 'r-none', 'grace', context))).code, 'RULE_MISSING');
});

t.test('a decision that waits for who asked is ended by him, or when nobody came', async (t) => {
  const engine = (await own).engine();
  const context = realContext();
  const subject = ownSubject(t, engine);
  const ask = async (key: string) => {
    const draft = limitDraft(subject, { kind: 'approval', key });
    const { id } = (await askQuestion(engine, draft, context)).question;
    await decideQuestion(engine, id, { choice: 'scale', by: 'ada', via: 'slack' }, context);
    return id;
  };
  const [taken, left] = [await ask('taken'), await ask('left')];
  await settleDecisions(engine, {}, context);
  t.match((await readQuestion(engine, taken, context)).state, { state: 'decided' });
  t.equal(await endQuestion(engine, taken, { outcome: 'deployed by build 7', ok: true }, context), true);
  t.equal(await endQuestion(engine, taken, { outcome: 'again', ok: true }, context), false);
  await settleDecisions(engine, {}, { ...context, clock: later(200_000) });
  t.match((await readQuestion(engine, left, context)).state, { state: 'done', ok: false, by: 'ada' });
  t.match((await readQuestion(engine, taken, context)).state, { outcome: 'deployed by build 7' });
  const open = await listQuestions(engine, context, { open: true });
  t.same(
    open.filter(({ question }) => question.subject === subject),
    [],
  );
});

t.test('a service that is scaled all day is one message, that shows the last change', async (t) => {
  const engine = (await own).engine();
  const context = realContext();
  const service = ownSubject(t, engine);
  for (const [from, to] of [
    [2, 3],
    [3, 4],
  ] as const)
    await tellScaled(
      engine,
      { service, verdict: 'scale', from, to, reason: 'memory is above 80 %', by: 'alertmanager' },
      to === 4 ? { observed: false, running: 3, problem: 'no node has room' } : { observed: true, running: to },
      context,
    );
  const notices = await listNotices(engine, context, { about: 'scale' });
  const mine = notices.filter(({ base }) => base.subject === service);
  t.match(mine, [{ notice: { title: `${service}: 3 to 4 replicas` } }]);
  t.same(mine[0]!.notice.lines, ['memory is above 80 % (by alertmanager)', 'no node has room']);
});
