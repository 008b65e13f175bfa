import { chmodSync, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { run } from '../../runner/common/process';
import { failureOf } from './support';

const env = { PATH: process.env.PATH };

t.test('a program that is not there, or cannot be run, is an error that names it', async (t) => {
  const missing = await failureOf(() => run('no-such-program', [], { env }));
  t.match(missing, { code: 'CLI_MISSING', message: "the program 'no-such-program' is not installed" });
  const folder = t.testdir({ script: 'no program' });
  chmodSync(path.join(folder, 'script'), 0o644);
  const locked = await failureOf(() => run(path.join(folder, 'script'), [], { env }));
  t.match(locked, { code: 'CLI_MISSING', message: /cannot be run/, causeText: /EACCES/ });
  const nowhere = await failureOf(() => run('sh', ['-c', 'true'], { env, cwd: path.join(folder, 'gone') }));
  t.match(nowhere, {
    code: 'CLI_MISSING',
    message: /'sh' cannot be run in .*gone/,
    causeText: 'there is no such folder',
  });
});

t.test('the exit code and both streams come back', async (t) => {
  const result = await run('sh', ['-c', 'echo out; echo err >&2; exit 7'], { env });
  t.same(result, { code: 7, stdout: 'out\n', stderr: 'err\n' });
  const killed = await run('sh', ['-c', 'kill -9 $$'], { env });
  t.equal(killed.code, 128);
});

t.test('arguments are parsed by no shell', async (t) => {
  const odd = ['$(id)', '`id`', 'a b', "'", '"', '*', '; rm -rf /', 'a\nb', '', '-n'];
  const { stdout } = await run(process.execPath, ['-p', 'JSON.stringify(process.argv.slice(1))', '--', ...odd], {
    env,
  });
  t.same(JSON.parse(stdout), odd);
});

t.test('of this process the program sees only what is handed in', async (t) => {
  process.env.NOT_FOR_OTHERS = 'x';
  t.teardown(() => delete process.env.NOT_FOR_OTHERS);
  const { stdout } = await run('env', [], { env: { ...env, ONE: '1' } });
  t.match(stdout, /^ONE=1$/m);
  t.notMatch(stdout, 'NOT_FOR_OTHERS');
});

t.test('standard input: text, none at all, and more than the program reads', async (t) => {
  t.equal((await run('cat', [], { env, input: 'grüße' })).stdout, 'grüße');
  t.equal((await run('cat', [], { env })).stdout, '', 'it does not wait for a keyboard');
  t.equal((await run('true', [], { env, input: 'x'.repeat(1e6) })).code, 0);
});

t.test('of long output the beginning and the end are kept', async (t) => {
  const script = 'echo first; head -c 3000000 /dev/zero | tr "\\0" x; echo; echo last';
  let told = 0;
  const { stdout } = await run('sh', ['-c', script], { env, onOutput: (text) => (told += text.length) });
  t.match(stdout, /^first\nx/);
  t.match(stdout, /x\n…\nx/);
  t.match(stdout, /x\nlast\n$/);
  t.equal(stdout.length, 512 * 1024);
  t.equal(told, 3_000_012, 'all of it is told');
});

/** Starts something that lives on, holding the pipes open. */
const stubborn = (folder: string) => `sleep 30 & echo $! >${folder}/pid; wait`;
const lives = (pid: string) =>
  existsSync(`/proc/${pid.trim()}/stat`) && !/\) Z /.test(readFileSync(`/proc/${pid.trim()}/stat`, 'utf8'));

t.test('time is up: the program ends, and what it started', async (t) => {
  const folder = t.testdir();
  const start = performance.now();
  const result = await run('sh', ['-c', stubborn(folder)], { env, timeout: 300 });
  t.equal(result.code, 128);
  t.ok(performance.now() - start < 3000);
  t.notOk(lives(readFileSync(path.join(folder, 'pid'), 'utf8')));
});

t.test('a stop ends it with the reason of the stop, and what it started', async (t) => {
  const folder = t.testdir();
  const stop = new AbortController();
  const reason = new Error('stopped');
  const running = run('sh', ['-c', stubborn(folder)], { env, signal: stop.signal });
  setTimeout(() => stop.abort(reason), 200);
  await t.rejects(running, reason);
  t.notOk(lives(readFileSync(path.join(folder, 'pid'), 'utf8')));
});

t.test('after a stop nothing is started', async (t) => {
  const folder = t.testdir();
  const file = path.join(folder, 'made');
  await t.rejects(run('touch', [file], { env, signal: AbortSignal.abort(new Error('stopped')) }), {
    message: 'stopped',
  });
  t.notOk(existsSync(file));
});
