import { spawn } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';

const program = path.join(__dirname, '../../resources/images/jenkins-agent/agent.cjs');
const token = `11${'0f'.repeat(16)}`;
const secret = 'ab12'.repeat(16);

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const status =
  (code: number, text = '', headers = {}): Answer =>
  (_request, response) =>
    response.writeHead(code, headers).end(text);

const document = (name: string) =>
  status(
    200,
    `<jnlp><application-desc><argument>${secret}</argument><argument>${name}</argument></application-desc></jnlp>`,
  );

/** A Jenkins in small, which knows one agent and one token. */
class SmallJenkins {
  asked: string[] = [];
  description: Answer = document('agent-1');
  jar: Answer = status(200, 'PK the program');
  private server = createServer((request, response) => {
    this.asked.push(`${request.url} ${request.headers.authorization ?? 'nobody'}`);
    if (request.url === '/jenkins/jnlpJars/agent.jar') return this.jar(request, response);
    if (request.url?.endsWith('/jenkins-agent.jnlp')) return this.description(request, response);
    return response.writeHead(404).end();
  });

  async listen(t: Test, port = 0): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    t.teardown(() => {
      this.server.closeAllConnections();
      this.server.close();
    });
    return (this.server.address() as AddressInfo).port;
  }
}

/** Writes down how it was started, and runs until it is told to stop, or for as many seconds as the file says. */
const java = `#!/bin/sh
for each; do case "$each" in @*) cp "\${each#@}" "$PLACE/secret"; stat -c %a "\${each#@}" >"$PLACE/mode" ;; *.jar) cp "$each" "$PLACE/agent.jar" ;; esac; done
env >"$PLACE/environment"
trap 'echo stopped >"$PLACE/stopped"; exit 143' TERM
printf '%s\\n' "$*" >>"$PLACE/started"
[ ! -e "$PLACE/exit" ] || exit "$(cat "$PLACE/exit")"
while :; do sleep 0.05; done
`;

function agent(t: Test, port: number, more: Record<string, string | undefined> = {}) {
  const folder = t.testdir({ bin: { java }, token: `${token}\n` });
  chmodSync(path.join(folder, 'bin/java'), 0o755);
  const child = spawn(process.execPath, [program], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: `${folder}/bin:${process.env.PATH}`,
      PLACE: folder,
      TMPDIR: folder,
      AGENT_URL: `http://127.0.0.1:${port}/jenkins/`,
      AGENT_NAME: 'agent-1',
      AGENT_TOKEN_FILE: path.join(folder, 'token'),
      AGENT_FOLDER: path.join(folder, 'work'),
      AGENT_RETRY_SECONDS: '0.05',
      NODE_ENV: 'production',
      ...more,
    },
  });
  let said = '';
  child.stdout.on('data', (text: Buffer) => (said += text.toString()));
  child.stderr.on('data', (text: Buffer) => (said += text.toString()));
  const ended = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)));
  t.teardown(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  return {
    child,
    ended,
    said: () => said,
    folder,
    file: (name: string) => readFileSync(path.join(folder, name), 'utf8'),
    starts: () =>
      existsSync(path.join(folder, 'started'))
        ? readFileSync(path.join(folder, 'started'), 'utf8').trim().split('\n')
        : [],
    stop: () => child.kill('SIGTERM'),
  };
}

async function until(condition: () => boolean, what: () => string): Promise<void> {
  for (const end = Date.now() + 15_000; !condition(); await sleep(20))
    if (Date.now() > end) throw new Error(`waited too long: ${what()}`);
}

t.test('it gets its secret with the token, and java the secret from a file', async (t) => {
  const jenkins = new SmallJenkins();
  const started = agent(t, await jenkins.listen(t), { AGENT_NAME: 'big agent/1' });
  await until(() => started.starts().length === 1, started.said);
  const basic = `Basic ${Buffer.from(`agent:${token}`).toString('base64')}`;
  t.same(jenkins.asked, [
    `/jenkins/computer/big%20agent%2F1/jenkins-agent.jnlp ${basic}`,
    '/jenkins/jnlpJars/agent.jar nobody',
  ]);
  const command = started.starts()[0]!;
  t.match(
    command,
    /^-DSoftKillWaitSeconds=60 -Dfile\.encoding=UTF-8 -jar \S+\/agent\.jar -url http:\/\/127\.0\.0\.1:\d+\/jenkins\/ /,
  );
  t.match(command, `-name big agent/1 -secret @${started.folder}`);
  t.ok(command.endsWith(`-webSocket -workDir ${path.join(started.folder, 'work')}`), command);
  t.equal(started.file('secret'), secret);
  t.equal(started.file('mode'), '600\n');
  t.equal(started.file('agent.jar'), 'PK the program');
  t.ok(existsSync(path.join(started.folder, 'work')));
  for (const text of [command, started.said(), started.file('environment')]) {
    t.notMatch(text, token);
    t.notMatch(text, secret);
    t.notMatch(text, basic.slice(6));
  }
  t.notMatch(started.file('environment'), /^(AGENT_|NODE_ENV)/m, 'builds inherit nothing of it');
});

t.test('SIGTERM ends java and then itself, at any time', async (t) => {
  const jenkins = new SmallJenkins();
  const port = await jenkins.listen(t);
  const running = agent(t, port);
  await until(() => running.starts().length === 1, running.said);
  running.stop();
  t.equal(await running.ended, 143);
  t.equal(running.file('stopped'), 'stopped\n');

  jenkins.description = () => {}; // never answers
  const asking = agent(t, port);
  const before = jenkins.asked.length;
  await until(() => jenkins.asked.length > before, asking.said);
  asking.stop();
  t.equal(await asking.ended, 143);
  t.same(asking.starts(), []);

  const waiting = agent(t, 1, { AGENT_RETRY_SECONDS: '600' });
  await until(() => waiting.said().includes('cannot be reached'), waiting.said);
  waiting.stop();
  t.equal(await waiting.ended, 143);
});

t.test('it waits for a Jenkins that is away, and says so once', async (t) => {
  const probe = new SmallJenkins();
  const port = await new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
  const started = agent(t, port);
  await until(() => started.said().includes('cannot be reached: ECONNREFUSED'), started.said);
  await sleep(300);
  t.equal(started.said().split('cannot be reached').length, 2);
  probe.description = status(503);
  await probe.listen(t, port);
  await until(() => started.said().includes('is starting (503)'), started.said);
  t.same(started.starts(), []);
  probe.description = document('agent-1');
  await until(() => started.starts().length === 1, started.said);
});

t.test('what Jenkins refuses is told with its meaning, and tried again', async (t) => {
  for (const [answer, meaning] of [
    [status(401), 'does not know the token of the user agent (401)'],
    [status(403), 'does not let the user agent connect agents (403)'],
    [status(404), 'has no agent of the name agent-1 (404)'],
    [status(302, '', { location: '/login' }), 'answers (302)'],
    [status(500, 'oops'), 'answers (500)'],
    [status(200, '<html>who are you</html>'), 'answers without a secret for this agent'],
  ] as [Answer, string][]) {
    const jenkins = new SmallJenkins();
    jenkins.description = answer;
    const started = agent(t, await jenkins.listen(t));
    await until(() => started.said().includes(meaning), started.said);
    t.match(started.said(), `agent agent-1: Jenkins at http://127.0.0.1:`);
    t.notMatch(started.said(), token);
    t.same(started.starts(), []);
    jenkins.description = document('agent-1');
    await until(() => started.starts().length === 1, started.said);
    started.stop();
    await started.ended;
  }
});

t.test('something else than the program for agents is not run', async (t) => {
  const jenkins = new SmallJenkins();
  jenkins.jar = status(200, '<html>');
  const started = agent(t, await jenkins.listen(t));
  await until(() => started.said().includes('answers without the program for agents'), started.said);
  jenkins.jar = (_request, response) => {
    response.writeHead(200, { 'content-length': '100' }).write('PK');
    setTimeout(() => response.destroy(), 20);
  };
  await sleep(200);
  t.same(started.starts(), [], 'nor half of it');
});

t.test('when the connection ends, it asks anew for secret and program', async (t) => {
  const jenkins = new SmallJenkins();
  const started = agent(t, await jenkins.listen(t));
  writeFileSync(path.join(started.folder, 'exit'), '7\n');
  await until(() => started.starts().length >= 3, started.said);
  t.match(started.said(), 'the connection ended (exit code 7)');
  t.ok(jenkins.asked.length >= 6);
});

t.test('without a name, an address or a token it ends at once', async (t) => {
  for (const [more, problem] of [
    [{ AGENT_NAME: undefined }, 'AGENT_URL and AGENT_NAME have to be set'],
    [{ AGENT_URL: '' }, 'AGENT_URL and AGENT_NAME have to be set'],
    [{ AGENT_TOKEN_FILE: '/nowhere' }, '/nowhere is missing or empty'],
    [{ AGENT_TOKEN_FILE: '/dev/null' }, '/dev/null is missing or empty'],
  ] as const) {
    const started = agent(t, 1, more);
    t.equal(await started.ended, 1);
    t.match(started.said(), `agent: ${problem}\n`);
  }
});
