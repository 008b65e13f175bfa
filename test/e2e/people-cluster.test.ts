import t from 'tap';
import { request } from '../../runner/common/engine';
import { drainNode } from '../../runner/people/drain-node';
import { listNotices, putStory, tellStory, type Story } from '../../runner/people/notices';
import { askQuestion, decideQuestion, readQuestion } from '../../runner/people/questions';
import { settleDecisions } from '../../runner/people/execute';
import type { ListedNode } from '../../runner/swarm/facts';
import { eventually, Site, startController } from '../controller/live';
import { badPort, route } from '../controller/support';
import { uniqueName, withLab } from '../lab';
import { realContext } from '../lab/context';
import { limitDraft, ownSubject } from '../people/support';
import { Project } from './support';

const own = withLab(t, { nodes: 2, managers: 1, initFlags: '--dispatcher-heartbeat 1s' });
const patience = 90_000;
const people = { settings: { deciders: [], groups: {}, selfApproval: false }, executors: {} };

t.test(
  'labels that turn bad and good, and a node that is lost and back, are told once each, by whichever controller',
  async (t) => {
    const lab = await own;
    const engine = lab.engine();
    const context = realContext();
    const place = await new Site(lab).prepare(t);
    const name = uniqueName('shop');
    const notices = async () =>
      (await listNotices(engine, context)).filter(({ base }) => base.subject === name || base.kind === 'node');
    const titles = async () => (await notices()).map(({ notice }) => notice.title).sort();
    await place.create(name, badPort(`/${name}`));
    const first = await startController(t, place, { people });
    await eventually(async () => (await titles()).join() === `${name}: its labels are wrong`, patience);
    t.match((await notices())[0], { notice: { level: 'warning', lines: [/no route/, /com.df.port/] } });
    await lab.powerOff(2);
    await eventually(async () => (await titles()).some((title) => /^node .* is lost$/.test(title)), patience);
    const before = (await notices()).map(({ revision, base }) => [base.story, revision]);
    await first.close();
    await place.update(name, route(`/${name}`));
    const second = await startController(t, place, { people });
    await eventually(async () => (await titles()).includes(`${name}: its labels are good again`), patience);
    t.equal((await titles()).filter((title) => /is lost/.test(title)).length, 1, 'the node is still lost');
    await lab.boot(2);
    await eventually(async () => (await titles()).every((title) => /good again|is back/.test(title)), patience);
    await second.close();
    t.same(
      (await notices()).map(({ revision, base }) => [base.story, revision]),
      before.map(([story, revision]) => [story, Number(revision) + 1]),
      'one change each, and the restart none',
    );
    t.ok((await notices()).every(({ notice }) => notice.ended));
  },
);

t.test('a lost node that a person wants drained is drained, and one that is back is left alone', async (t) => {
  const lab = await own;
  const engine = lab.engine();
  const context = realContext();
  const subject = ownSubject(t, engine);
  const nodes = () => request<ListedNode[]>(engine, 'GET', '/nodes');
  const worker = async () => (await nodes()).find(({ Spec }) => Spec.Role === 'worker')!;
  const { ID } = await worker();
  const decide = async (drain: string, key: string) => {
    const choices = [{ id: 'drain', label: 'Drain', action: { drain } }];
    const draft = limitDraft(subject, { kind: 'node', key, choices, fallback: 'drain' });
    const { id } = (await askQuestion(engine, draft, context)).question;
    await decideQuestion(engine, id, { choice: 'drain', by: 'grace', via: 'command line' }, context);
    await settleDecisions(engine, { node: drainNode(engine) }, context, { only: (each) => each.id === id });
    return (await readQuestion(engine, id, context)).state;
  };
  t.match(await decide(ID, 'back'), { state: 'done', ok: true, outcome: /is back, so it was left as it is/ });
  t.equal((await worker()).Spec.Availability, 'active');
  t.match(await decide('nobody', 'none'), { outcome: /there is no node/ });
  await lab.powerOff(2);
  await eventually(async () => (await worker()).Status.State === 'down', patience);
  t.match(await decide(ID, 'lost'), { state: 'done', ok: true, outcome: /is drained/ });
  t.equal((await worker()).Spec.Availability, 'drain');
  t.match(await decide(ID, 'twice'), { outcome: /is drained/ });
});

t.test('notices are bounded: the oldest go, and it is said when nobody was told of them', async (t) => {
  const engine = (await own).engine();
  const context = realContext();
  const subject = ownSubject(t, engine);
  const story = (index: number): Story => ({
    ...{ story: `${subject} ${index}`, kind: 'told', subject, title: `${subject} ${index}` },
    lines: [],
    level: 'info',
  });
  for (let index = 0; index < 104; index++) await putStory(engine, story(index), context);
  const left = await listNotices(engine, context);
  t.equal(left.length, 100);
  t.ok(left.some(({ base }) => base.story === `${subject} 103`));
  t.match(context.written(), /notices were dropped that nobody was told/);
  await tellStory(engine, { ...story(103), title: 'the end', ended: true }, context, { ifOpen: true });
  await tellStory(engine, { ...story(103), title: 'another end', ended: true }, context, { ifOpen: true });
  await tellStory(engine, { ...story(999), ended: true }, context, { ifOpen: true });
  const found = await listNotices(engine, context, { about: 'told' });
  t.equal(found.find(({ base }) => base.story === `${subject} 103`)?.notice.title, 'the end', 'an end is told once');
  t.equal(
    found.find(({ base }) => base.story === `${subject} 999`),
    undefined,
    'what was not told needs no end',
  );
});

t.test('telling never harms who tells', async (t) => {
  const engine = (await own).engine(2);
  const context = realContext();
  const start = performance.now();
  await tellStory(engine, { story: 'x', kind: 'told', subject: 'x', title: 'x', lines: [], level: 'info' }, context);
  t.ok(performance.now() - start < 15_000);
  t.match(context.written(), /people were not told "x"/);
});

t.test('the commands: notify, questions, answer and rules, with the errors of each', async (t) => {
  const lab = await own;
  const engine = lab.engine();
  const context = realContext();
  const subject = ownSubject(t, engine);
  const project = new Project(lab, subject, 'none');
  t.teardown(() => project.remove());
  const run = (...args: string[]) => project.run(args);
  t.equal((await run('notify', `${subject} begins`, '--story', subject, '--line', 'one', '--line', 'two')).code, 0);
  t.equal((await run('notify', `${subject} ends`, '--story', subject, '--level', 'good', '--ended')).code, 0);
  const told = (await listNotices(engine, context)).filter(({ base }) => base.story === `told ${subject}`);
  t.match(told, [{ notice: { title: `${subject} ends`, level: 'good', ended: true }, revision: 2 }]);
  t.equal((await run('notify')).code, 2);

  const { question } = await askQuestion(engine, limitDraft(subject, { askedBy: 'nobody' }), context);
  const listed = await run('questions', '--json');
  t.match(
    listed.result.questions.find(({ id }: { id: string }) => id === question.id),
    { subject, state: 'open', choices: Array },
  );
  for (const [args, code, error] of [
    [['answer', 'q-none', 'scale'], 2, 'QUESTION_MISSING'],
    [['answer', question.id, 'burn'], 6, 'ANSWER_REFUSED'],
    [['answer', question.id, 'hold', '--always'], 6, 'ANSWER_REFUSED'],
    [['answer', question.id], 2, 'USAGE_INVALID'],
  ] as const) {
    const ended = await run(...args);
    t.match([ended.code, ended.result.error.code], [code, error], args.join(' '));
  }
  const answered = await run('answer', question.id, 'ignore', '--by', 'ada', '--reason', 'we look at it');
  t.equal(answered.code, 0, answered.stderr);
  t.match(answered.stdout, /Ignore: decided by ada, by command line \(we look at it\)/);
  t.match((await run('questions', '--all')).stdout, /decided by ada, by command line/);

  for (const [args, words] of [
    [['rules', 'add', '--service', subject], /add needs --up-to, --reason/],
    [['rules', 'add', '--service', subject, '--up-to', '8', '--reason', 'x', '--for', 'ever'], /--for is 'ever'/],
    [['rules', 'revoke'], /revoke needs the id/],
    [['rules', 'burn'], /'burn' is not one of list, add, revoke/],
    [['rules', 'revoke', 'r-none'], /RULE_MISSING/],
  ] as const) {
    const ended = await run(...args);
    t.equal(ended.code, 2, ended.stderr);
    t.match(ended.stderr, words);
  }
  const added = await run(
    'rules',
    'add',
    '--service',
    subject,
    '--up-to',
    '8',
    '--reason',
    'the sale',
    '--by',
    'grace',
  );
  t.equal(added.code, 0, added.stderr);
  const { id } = added.result.added;
  t.match((await run('rules', '--service', subject)).stdout, `${id}  ${subject} up to 8 until `);
  t.equal((await run('rules', 'revoke', id, '--by', 'ada')).code, 0);
  t.match((await run('rules', '--service', subject)).stdout, /there are no standing rules/);
  t.match((await run('rules', '--service', subject, '--all')).stdout, /revoked .* by ada/);
});
