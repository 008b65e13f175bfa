'use strict';
// Connects this container to Jenkins as one of its permanent agents, and does so again whenever the connection ends. Jenkins
// makes the agent's secret; who has the token of the user that may connect agents gets it from Jenkins.
const { spawn } = require('node:child_process');
const { mkdir, mkdtemp, readFile, rename, writeFile } = require('node:fs/promises');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');

const {
  AGENT_URL: url,
  AGENT_NAME: name,
  AGENT_USER: user = 'agent',
  AGENT_TOKEN_FILE: tokenFile = '/run/secrets/agent-token',
  AGENT_FOLDER: folder = '/var/lib/jenkins-agent',
  AGENT_RETRY_SECONDS: retrySeconds = '5',
  // Of the image; in a build it would keep npm from installing what tests need.
  NODE_ENV: _,
  ...environment
} = process.env;

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => stop.abort());

let lastSaid = '';
/** Says something once, however often it is tried again. */
function say(text) {
  if (text !== lastSaid) console.error(`agent ${name}: ${text}`);
  lastSaid = text;
}

const meanings = {
  401: `does not know the token of the user ${user}`,
  403: `does not let the user ${user} connect agents`,
  404: `has no agent of the name ${name}`,
  503: 'is starting',
};

/** The answer's bytes; an error that says why there are none. */
async function ask(address, headers) {
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(60_000)]);
  const options = { headers, redirect: 'manual', signal };
  const answer = await fetch(new URL(address, url.endsWith('/') ? url : `${url}/`), options).catch((error) => {
    throw new Error(`cannot be reached: ${error.cause?.code ?? error.cause?.message ?? error.message}`);
  });
  if (answer.status !== 200) throw new Error(`${meanings[answer.status] ?? 'answers'} (${answer.status})`);
  return Buffer.from(await answer.arrayBuffer());
}

/** What java needs, in files: the agent's secret and Jenkins' own program for agents. */
async function prepare(own) {
  const token = (await readFile(tokenFile, 'utf8')).trim();
  const authorization = `Basic ${Buffer.from(`${user}:${token}`).toString('base64')}`;
  const description = await ask(`computer/${encodeURIComponent(name)}/jenkins-agent.jnlp`, { authorization });
  const secret = /\b[0-9a-f]{64}\b/.exec(description.toString('latin1'))?.[0];
  if (secret === undefined) throw new Error('answers without a secret for this agent');
  const program = await ask('jnlpJars/agent.jar', {});
  if (program.toString('latin1', 0, 2) !== 'PK') throw new Error('answers without the program for agents');
  const files = { secret: path.join(own, 'secret'), program: path.join(own, 'agent.jar') };
  await writeFile(files.secret, secret, { mode: 0o600 });
  await writeFile(`${files.program}.part`, program);
  await rename(`${files.program}.part`, files.program);
  return files;
}

/** Runs until the connection is given up. A stopped step has a minute to clean up before it is killed. */
async function run({ secret, program }) {
  const options = ['-DSoftKillWaitSeconds=60', '-Dfile.encoding=UTF-8', '-jar', program];
  const connection = ['-url', url, '-name', name, '-secret', `@${secret}`, '-webSocket', '-workDir', folder];
  const java = spawn('java', [...options, ...connection], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: environment,
  });
  const end = () => java.kill('SIGTERM');
  stop.signal.addEventListener('abort', end);
  const ended = await new Promise((resolve) => {
    java.on('error', (error) => resolve(error.message));
    java.on('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  stop.signal.removeEventListener('abort', end);
  return ended;
}

async function main() {
  if (!url || !name) throw new Error('AGENT_URL and AGENT_NAME have to be set');
  if ((await readFile(tokenFile, 'utf8').catch(() => '')).trim() === '')
    throw new Error(`${tokenFile} is missing or empty`);
  await mkdir(folder, { recursive: true });
  const own = await mkdtemp(path.join(tmpdir(), 'jenkins-agent-'));
  while (!stop.signal.aborted) {
    try {
      const files = await prepare(own);
      say('connects');
      say(`the connection ended (${await run(files)})`);
    } catch (error) {
      if (!stop.signal.aborted) say(`Jenkins at ${url} ${error.message}`);
    }
    await sleep(Number(retrySeconds) * 1000, undefined, { signal: stop.signal }).catch(() => {});
  }
}

main().then(
  () => process.exit(143),
  (error) => {
    console.error(`agent: ${error.message}`);
    process.exit(1);
  },
);
