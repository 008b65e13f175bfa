import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { settleDecisions, type Executor } from '../../runner/people/execute';
import { askQuestion, decideQuestion, readQuestion } from '../../runner/people/questions';
import { eventually, Site, startController, tokens } from '../controller/live';
import { compiledRunner } from '../jobs/child';
import { withLab } from '../lab';
import { realContext } from '../lab/context';
import { SlackServer } from '../people/slack-server';
import { limitDraft, ownSubject } from '../people/support';
import { percentile, type Series } from './measure';
import { writeSection } from './report';

const races = 1000;
const atOnce = 6;
const clicks = 1000;

const own = withLab(t);
const series: Series[] = [];

/** Does a piece of work so many times, some of them at once. */
async function often(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

t.test('two approvers at the same moment, a thousand times: one decision and one effect each', async (t) => {
  const engine = (await own).engine();
  const context = realContext();
  const subject = ownSubject(t, engine);
  const effects = new Map<string, number>();
  const limit: Executor = async ({ id }) => {
    effects.set(id, (effects.get(id) ?? 0) + 1);
    return { outcome: 'done', ok: true };
  };
  const decided: number[] = [];
  const values: number[] = [];
  const wrong: string[] = [];
  await often(races, async (index) => {
    const { question } = await askQuestion(engine, limitDraft(subject, { key: `race ${index}` }), context);
    const answer = async (choice: string, by: string) => {
      const start = performance.now();
      const result = await decideQuestion(engine, question.id, { choice, by, via: 'slack' }, context);
      decided.push(performance.now() - start);
      return result;
    };
    const answers = await Promise.all([answer('scale', 'ada'), answer('ignore', 'grace')]);
    const only = ({ id }: { id: string }) => id === question.id;
    await Promise.all([0, 1].map(() => settleDecisions(engine, { limit }, context, { only })));
    const { state } = await readQuestion(engine, question.id, context);
    const one = answers.filter((each) => each === 'decided').length === 1;
    if (!one || effects.get(question.id) !== 1 || state.state !== 'done')
      wrong.push(`${question.id} ${JSON.stringify(answers)} ${effects.get(question.id)} ${state.state}`);
    values.push(effects.get(question.id) ?? 0);
  });
  t.same(wrong, []);
  series.push({ name: 'effects of a question that two answer at once', unit: '', values, limit: '1' });
  series.push({ name: 'time of an answer, twelve at once', unit: 'ms', values: decided, limit: '' });
});

t.test('double clicks in Slack, a thousand: how soon each is answered, and one effect each', async (t) => {
  const lab = await own;
  const engine = lab.engine();
  const context = realContext();
  const subject = ownSubject(t, engine);
  const slack = await new SlackServer().start(t);
  slack.perSecond = 1e6;
  let effects = 0;
  const limit: Executor = async () => {
    effects++;
    return { outcome: 'done', ok: true };
  };
  const place = await new Site(lab).prepare(t);
  const people = {
    settings: { deciders: [], groups: {}, selfApproval: false, slack: slack.settings() },
    executors: { limit },
  };
  const live = await startController(t, place, { people });
  const values: number[] = [];
  const questions = 20;
  const users = ['ada', 'grace'].map((username) => ({ id: `U-${username}`, username }));
  for (let index = 0; index < questions; index++) {
    const { question } = await askQuestion(engine, limitDraft(subject, { key: `click ${index}` }), context);
    await eventually(() => slack.about(question.id).length === 1, 60_000);
    const message = slack.about(question.id)[0]!;
    const original = structuredClone(message);
    await often(clicks / questions, async (click) => {
      const at = Date.now() - (click % 250) * 1000;
      values.push((await slack.click(live.address, original, 'answer:scale', users[click % 2]!, { at })).milliseconds);
    });
    await eventually(async () => (await readQuestion(engine, question.id, context)).state.state === 'done', 60_000);
  }
  t.equal(effects, questions);
  t.ok(percentile(values, 0.99) < 500);
  series.push({ name: 'a click until Slack has its answer', unit: 'ms', values, limit: 'p99 below 500' });
});

t.test('the memory of a controller that tells Slack', async (t) => {
  const lab = await own;
  const engine = lab.engine();
  const slack = await new SlackServer().start(t);
  const subject = ownSubject(t, engine);
  const place = await new Site(lab).prepare(t);
  const folder = mkdtempSync(path.join(tmpdir(), 'homeostat-people-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const runner = await compiledRunner(folder);
  for (const role of ['agent', 'reader'] as const) writeFileSync(path.join(folder, role), tokens[role]);
  const memory = async (environment: Record<string, string>) => {
    const files = ['--agent-token-file', 'agent', '--reader-token-file', 'reader', '--secrets-folder', 'none'];
    const child = spawn(process.execPath, [runner, 'controller', '--listen', '127.0.0.1:0', ...files], {
      cwd: folder,
      env: { PATH: process.env.PATH, ...lab.environment(), ...place.environment(), ...environment },
      stdio: 'ignore',
    });
    await new Promise((resolve) => setTimeout(resolve, 20_000));
    const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.on('close', resolve));
    return kilobytes / 1024;
  };
  await askQuestion(engine, limitDraft(subject), realContext());
  series.push({ name: 'memory of the controller without Slack', unit: 'MiB', values: [await memory({})], limit: '' });
  const with_ = await memory(slack.environment());
  t.equal(slack.about(subject).length, 1);
  series.push({ name: 'memory of the controller with Slack', unit: 'MiB', values: [with_], limit: '120' });
  writeSection(
    'People',
    'Questions and answers in the store of a Swarm of one node, with a stand-in for Slack.',
    series,
  );
});
