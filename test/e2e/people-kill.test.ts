import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { putStory } from '../../runner/people/notices';
import { askQuestion, decideQuestion, readQuestion } from '../../runner/people/questions';
import { eventually, Site, startController, tokens } from '../controller/live';
import { compiledRunner } from '../jobs/child';
import { withLab } from '../lab';
import { realContext } from '../lab/context';
import { buttonsOf, SlackServer } from '../people/slack-server';
import { limitDraft, ownSubject } from '../people/support';

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const ada = { id: 'U1', username: 'ada' };

t.test(
  'a controller that is killed again and again in the middle of telling: every message comes, and comes once',
  async (t) => {
    const lab = await withLab(t);
    const engine = lab.engine();
    const context = realContext();
    const subject = ownSubject(t, engine);
    const slack = await new SlackServer().start(t);
    const place = await new Site(lab).prepare(t);
    const folder = mkdtempSync(path.join(tmpdir(), 'homeostat-people-'));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const runner = await compiledRunner(folder);
    for (const role of ['agent', 'reader'] as const) writeFileSync(path.join(folder, role), tokens[role]);
    let output = '';
    const start = () => {
      const files = ['--agent-token-file', 'agent', '--reader-token-file', 'reader', '--secrets-folder', 'none'];
      const child = spawn(process.execPath, [runner, 'controller', '--listen', '127.0.0.1:0', ...files], {
        cwd: folder,
        env: { PATH: process.env.PATH, ...lab.environment(), ...place.environment(), ...slack.environment() },
      });
      const before = output.length;
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += String(text)));
      const ended = new Promise((resolve) => child.on('close', resolve));
      const address = () => /listens on (\S+)/.exec(output.slice(before))?.[1];
      return { child, ended, address };
    };
    const stories = 8;
    for (let index = 0; index < stories; index++)
      await putStory(
        engine,
        { story: `${subject} ${index}`, kind: 'told', subject, title: `${subject} ${index}`, lines: [], level: 'info' },
        context,
      );
    const { question } = await askQuestion(engine, limitDraft(subject), context);
    for (let kill = 0; kill < 8; kill++) {
      const calls = slack.calls.length;
      // Every other time Slack does what it is asked and the answer never comes.
      if (kill % 2) slack.faults.push({ silent: 'after' });
      const { child, ended } = start();
      await eventually(() => slack.calls.length > calls, 60_000);
      await pause(Math.random() * 1500);
      child.kill('SIGKILL');
      await ended;
      slack.faults.splice(0);
    }
    const { child, ended, address } = start();
    await eventually(() => slack.messages.length > stories, 120_000);
    await eventually(() => address() !== undefined, 60_000);
    const message = slack.messages.find((each) => buttonsOf(each).length > 0)!;
    await slack.click(address()!, message, 'answer:ignore', ada);
    await eventually(async () => (await readQuestion(engine, question.id, context)).state.state === 'done', 60_000);
    await eventually(() => /nothing was changed/.test(JSON.stringify(message)), 60_000);
    const records = slack.messages.map(({ metadata }) => metadata!.event_payload.record);
    t.equal(records.length, stories + 1);
    t.equal(new Set(records).size, records.length, 'none came twice');
    t.notMatch(output, new RegExp(slack.token), 'the token is in no log');
    child.kill('SIGTERM');
    t.equal(await ended, 143);
  },
);

t.test('a Swarm without a leader: a click is kept and taken when there is one again', async (t) => {
  const lab = await withLab(t, { nodes: 2, managers: 2 });
  const engine = lab.engine();
  const context = realContext();
  const subject = ownSubject(t, engine);
  const slack = await new SlackServer().start(t);
  const place = await new Site(lab).prepare(t);
  let effects = 0;
  const executors = {
    async limit() {
      effects++;
      return { outcome: 'scaled', ok: true };
    },
  };
  const settings = { deciders: [], groups: {}, selfApproval: false, slack: slack.settings() };
  const live = await startController(t, place, { people: { settings, executors } });
  const { question } = await askQuestion(engine, limitDraft(subject, { expiresIn: 3_600_000 }), context);
  await eventually(() => slack.about(subject).length === 1, 60_000);
  const message = structuredClone(slack.about(subject)[0]!);
  await lab.stopEngine(2);
  await eventually(async () => {
    const quick = realContext({ signal: AbortSignal.timeout(1500) });
    return decideQuestion(engine, 'q-none', { choice: 'a', by: 'b', via: 'slack' }, quick).then(
      () => false,
      (error: { code?: string; name?: string }) => error.code !== 'QUESTION_MISSING',
    );
  }, 90_000);
  const clicked = await slack.click(live.address, message, 'answer:scale', ada);
  t.equal(clicked.status, 200);
  t.ok(clicked.milliseconds < 500, `answered after ${Math.round(clicked.milliseconds)} ms`);
  t.equal(effects, 0);
  await pause(3000);
  await lab.startEngine(2);
  await eventually(async () => {
    const quick = realContext({ signal: AbortSignal.timeout(3000) });
    const asked = await readQuestion(engine, question.id, quick).catch(() => undefined);
    return asked?.state.state === 'done';
  }, 150_000);
  t.equal(effects, 1);
  t.match((await readQuestion(engine, question.id, context)).state, { by: 'ada (U1)', outcome: 'scaled' });
  await eventually(() => buttonsOf(slack.about(subject)[0]!).length === 0, 60_000);
});
