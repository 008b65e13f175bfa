import axios from 'axios';
import t, { type Test } from 'tap';
import { systemClock, type Clock } from '../../runner/common/clock';
import type { Executors } from '../../runner/people/execute';
import { tellStory, type Story } from '../../runner/people/notices';
import { askQuestion, readQuestion } from '../../runner/people/questions';
import { decidersOf } from '../../runner/people/settings';
import { readSlackTrouble } from '../../runner/people/slack-trouble';
import { listRules } from '../../runner/people/standing-rules';
import { eventually, fastClock, Site, startController } from '../controller/live';
import { uniqueName, withLab } from '../lab';
import { realContext } from '../lab/context';
import { buttonsOf, signed, SlackServer } from '../people/slack-server';
import { limitDraft, ownSubject } from '../people/support';

/** Of this file alone: a controller that tells Slack tells it of everything in its Swarm. */
const own = withLab(t);
const patience = 40_000;

const scaled: Executors = {
  limit: async ({ subject }, { choice }) => ({ outcome: `${subject}: ${choice} done`, ok: true }),
};

/** A controller with a Slack of its own, on a Swarm in which nothing waits to be told. */
async function site(t: Test, more: { clock?: Clock; executors?: Executors; groups?: string } = {}) {
  const lab = await own;
  const engine = lab.engine();
  const slack = await new SlackServer().start(t);
  const subject = ownSubject(t, engine);
  const place = await new Site(lab).prepare(t);
  const env = more.groups === undefined ? {} : { HOMEOSTAT_GROUPS: more.groups };
  const start = (token = slack.token) => {
    const settings = { ...decidersOf(env), slack: { ...slack.settings(), token } };
    const people = { settings, executors: more.executors ?? scaled };
    return startController(t, place, { ...(more.clock ? { clock: more.clock } : {}), env, people });
  };
  const context = realContext();
  const tell = (story: Partial<Story> = {}) =>
    tellStory(
      engine,
      {
        story: `deploy ${subject}`,
        kind: 'deploy',
        subject,
        title: `${subject} is deployed`,
        lines: [],
        level: 'info',
        ...story,
      },
      context,
    );
  const messages = () => slack.about(subject);
  const told = (part: string) =>
    eventually(() => slack.about(part).some((each) => each.text.includes(subject)), patience);
  return { lab, engine, slack, subject, start, context, tell, messages, told };
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const ada = { id: 'U1', username: 'ada' };
const eve = { id: 'U666', username: 'ops' };

t.test('a story is one message that is edited as it goes on; after its end another one is a new message', async (t) => {
  const { slack, subject, start, tell, messages, told } = await site(t);
  const live = await start();
  await tell();
  await told('is deployed');
  await tell();
  await tell({ title: `${subject} runs`, level: 'good', ended: true, lines: ['by <!channel>'] });
  await told(' runs');
  t.equal(messages().length, 1);
  t.equal(messages()[0]!.edits, 1, 'the same told again changes nothing');
  t.notMatch(JSON.stringify(messages()[0]), /<!channel>/);
  await tell({ title: `${subject} is deployed again` });
  await told('deployed again');
  t.equal(messages().length, 2);
  // Slack has it a moment before its answer is counted.
  const metrics = async () => (await live.reader.get<string>('/metrics')).data;
  await eventually(async () => !/homeostat_slack_sent_total 2\n/.test(await metrics()), patience);
  t.match(await metrics(), /homeostat_slack_sent_total 3\n/);
  t.same(
    slack.calls.filter((call) => call.method === 'conversations.history'),
    [],
  );
});

t.test('many stories at once are no flood: what changes while it waits is told once', async (t) => {
  const { slack, subject, start, tell, messages } = await site(t);
  await start();
  for (let index = 0; index < 6; index++)
    for (const title of ['begins', 'goes on', 'ends'])
      await tell({ story: `${subject} ${index}`, title: `${subject} ${index} ${title}`, ended: title === 'ends' });
  await eventually(() => messages().filter(({ text }) => text.endsWith('ends')).length === 6, patience);
  t.ok(slack.calls.length <= 12, `${slack.calls.length} calls for 18 changes of 6 stories`);
  const times = slack.calls.map(({ at }) => at);
  const gaps = times.slice(1).map((at, index) => at - times[index]!);
  t.ok(Math.min(...gaps) > 900, `one call a second, ${Math.round(Math.min(...gaps))} ms apart at least`);
});

t.test('429: nothing is sent until Slack has said, and then everything', async (t) => {
  const { slack, start, tell, messages, told } = await site(t);
  slack.faults.push({ status: 429, headers: { 'Retry-After': '4' } });
  await start();
  await tell();
  await told('is deployed');
  const [first, second, ...more] = slack.calls;
  t.ok(second!.at - first!.at >= 3900, `${Math.round(second!.at - first!.at)} ms later`);
  t.equal(more.length, 0);
  t.equal(messages().length, 1);
});

t.test(
  'a post without an answer is looked for before it is posted again: it is there once, whether it came through or not',
  async (t) => {
    for (const fault of [
      { silent: 'after' },
      { silent: 'before' },
      { status: 500 },
      { error: 'internal_error' },
    ] as const) {
      const { slack, start, tell, messages, told, subject } = await site(t);
      slack.faults.push(fault);
      const live = await start();
      await tell();
      await told('is deployed');
      await eventually(() => slack.callsOf('conversations.history').length > 0, patience);
      await tell({ title: `${subject} runs` });
      await told(' runs');
      t.equal(messages().length, 1, JSON.stringify(fault));
      t.match(live.written(), /Slack gives no answer, and will be asked again/);
      await live.close();
    }
  },
);

t.test('an app that may not read its channel: the message comes, and the log says what may happen', async (t) => {
  const { slack, start, tell, told } = await site(t);
  slack.mayReadHistory = false;
  slack.faults.push({ status: 503 });
  const live = await start();
  await tell();
  await told('is deployed');
  t.match(live.written(), /may not read the history of its channel/);
});

t.test(
  'what a person has to mend is told once in log, metrics and store, without hammering, and ends when it is mended',
  async (t) => {
    for (const error of ['invalid_auth', 'channel_not_found']) {
      const { slack, engine, start, tell, told, context } = await site(t, { clock: fastClock(20) });
      slack.faults.push({ error }, { error });
      const live = await start();
      await tell();
      await eventually(() => slack.calls.length === 2, patience);
      t.ok(slack.calls[1]!.at - slack.calls[0]!.at > 2700, 'a minute of the twenty times faster clock later');
      t.match(await readSlackTrouble(engine, context), { message: new RegExp(error) });
      t.match((await live.reader.get<string>('/metrics')).data, `homeostat_slack_trouble{error="${error}"} 1`);
      await told('is deployed');
      await eventually(async () => (await readSlackTrouble(engine, context)) === undefined, patience);
      t.equal(live.written().split(`refuses everything: ${error}`).length, 2, 'one line in the log');
      await live.close();
    }
  },
);

t.test('a message that Slack will never take does not keep others waiting', async (t) => {
  const { slack, subject, start, tell, told } = await site(t);
  slack.faults.push({ error: 'invalid_blocks' });
  const live = await start();
  await tell({ story: `${subject} 1` });
  await eventually(() => slack.calls.length === 1, patience);
  await tell({ story: `${subject} 2`, title: `${subject} next` });
  await told('next');
  t.match(live.written(), /not at all: invalid_blocks/);
});

t.test('a message that somebody has deleted is said anew', async (t) => {
  const { slack, subject, start, tell, told } = await site(t);
  await start();
  await tell();
  await told('is deployed');
  slack.messages.splice(0);
  await tell({ title: `${subject} runs` });
  await told(' runs');
  t.equal(slack.messages.length, 1);
});

t.test(
  'a click decides, is answered at once, and the message ends up without buttons and with who decided what',
  async (t) => {
    const { slack, engine, subject, start, context } = await site(t, { groups: 'ops=U1' });
    const live = await start();
    const { question } = await askQuestion(engine, limitDraft(subject, { deciders: ['ops'], askedBy: 'eve' }), context);
    await eventually(() => slack.about(subject).length === 1, patience);
    const [message] = slack.about(subject);
    t.equal(buttonsOf(message!).length, 4);
    const refused = await slack.click(live.address, message!, 'answer:scale', eve);
    t.equal(refused.status, 200, 'who may not decide is told by Slack and not by a status');
    await eventually(() => slack.whispers.length === 1, patience);
    t.match(slack.whispers[0], { user: 'U666', text: /ops \(U666\) may not decide this; ops may/ });
    t.equal((await readQuestion(engine, question.id, context)).state.state, 'open');

    const clicks = await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        slack.click(live.address, message!, index % 2 ? 'answer:hold' : 'answer:scale:standing', ada, {
          at: Date.now() + index * 1000,
        }),
      ),
    );
    t.ok(
      clicks.every(({ status, milliseconds }) => status === 200 && milliseconds < 500),
      `${Math.round(Math.max(...clicks.map((each) => each.milliseconds)))} ms at most`,
    );
    await eventually(async () => (await readQuestion(engine, question.id, context)).state.state === 'done', patience);
    const { state } = await readQuestion(engine, question.id, context);
    t.match(state, { by: 'ada (U1)', via: 'slack', ok: true });
    await eventually(() => buttonsOf(message!).length === 0 && /done/.test(JSON.stringify(message)), patience);
    t.match(JSON.stringify(message), /decided by ada \(U1\), by slack/);
    t.equal(slack.about(subject).length, 1);
    await eventually(() => slack.whispers.length === 6, patience);
    t.equal(slack.whispers.slice(1).filter(({ text }) => /decided before/.test(text)).length, 5, 'the others are told');
    const rules = await listRules(engine, context, { service: subject });
    t.equal(rules.length, 'choice' in state && state.choice === 'scale' ? 1 : 0);
  },
);

t.test('requests that are forged, late or replayed are refused, and change nothing', async (t) => {
  const { slack, engine, subject, start, context } = await site(t);
  const live = await start();
  const { question } = await askQuestion(engine, limitDraft(subject), context);
  await eventually(() => slack.about(subject).length === 1, patience);
  const message = slack.about(subject)[0]!;
  const state = async () => (await readQuestion(engine, question.id, context)).state.state;
  const click = (more: object) => slack.click(live.address, message, 'answer:scale', ada, more);
  t.equal((await click({ secret: 'another' })).status, 401);
  t.equal((await click({ at: Date.now() - 310_000 })).status, 401);
  t.equal((await click({ at: Date.now() + 310_000 })).status, 401);
  const send = (body: string, headers = signed(body, slack.secret, Date.now())) =>
    axios.post(`${live.address}/v1/slack/interactions`, body, { headers, proxy: false, validateStatus: () => true });
  t.equal((await send('payload={}', {})).status, 401);
  t.equal((await send(`payload=${'x'.repeat(70_000)}`)).status, 413);
  for (const body of [
    '',
    'payload=',
    'payload=%7B',
    'payload=null',
    'payload=[]',
    'payload={"type":"block_actions"}',
    'payload={"type":"block_actions","actions":[{"value":"7"}]}',
    'text=a',
  ])
    t.equal((await send(body)).status, 200, `'${body}' is signed and asks for nothing`);
  t.equal(
    (await axios.get(`${live.address}/v1/slack/interactions`, { proxy: false, validateStatus: () => true })).status,
    405,
  );
  t.equal(await state(), 'open');
  const taken = await click({});
  t.equal(taken.status, 200);
  t.equal(await taken.again(), 401, 'the same once more');
  await eventually(async () => (await state()) === 'done', patience);
  t.match((await live.reader.get<string>('/metrics')).data, /homeostat_slack_clicks_total\{result="replayed"\} 1/);
});

t.test('after the expiry the declared choice was taken, and who clicks then is told so', async (t) => {
  const { slack, engine, subject, start, context } = await site(t);
  const live = await start();
  const { question } = await askQuestion(engine, limitDraft(subject, { expiresIn: 4000 }), context);
  await eventually(() => slack.about(subject).length === 1, patience);
  const before = structuredClone(slack.about(subject)[0]!);
  await eventually(async () => (await readQuestion(engine, question.id, context)).state.state === 'done', patience);
  const late = systemClock.now().getTime() - Date.parse(question.expiresAt);
  t.ok(late < 5000, `ended ${late} ms after its time`);
  await slack.click(live.address, before, 'answer:scale', ada);
  await eventually(() => slack.whispers.length === 1, patience);
  t.match(slack.whispers[0]!.text, /decided before: Ignore: nobody answered in time/);
  await eventually(() => buttonsOf(slack.about(subject)[0]!).length === 0, patience);
});

t.test('a restart in the middle of everything: what waits is kept, and nothing comes twice', async (t) => {
  let done = 0;
  const executors: Executors = {
    async limit() {
      done++;
      return { outcome: 'scaled', ok: true };
    },
  };
  const { slack, engine, subject, start, tell, context, messages } = await site(t, { executors });
  await tell({ story: `${subject} a`, title: `${subject} a` });
  await askQuestion(engine, limitDraft(subject), context);
  const ids = new Set<string>();
  for (let round = 0; round < 6; round++) {
    const live = await start();
    await pause(300 + Math.random() * 1500);
    await live.close();
    await tell({ story: `${subject} ${round}`, title: `${subject} ${round}` });
    for (const { metadata } of messages()) ids.add(metadata!.event_payload.record!);
  }
  const live = await start();
  await eventually(() => messages().length >= 8, 90_000);
  const question = messages().find((message) => buttonsOf(message).length > 0)!;
  await slack.click(live.address, question, 'answer:scale', ada);
  await eventually(() => buttonsOf(question).length === 0 && /scaled/.test(JSON.stringify(question)), patience);
  const records = messages().map(({ metadata }) => metadata!.event_payload.record);
  t.equal(new Set(records).size, records.length, 'each once');
  t.equal(records.length, 8, uniqueName('all'));
  t.equal(done, 1);
});
