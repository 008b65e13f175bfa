import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import { bundle } from '../../build/bundle';
import { commands } from '../../runner/commands';
import { errorTable } from '../../runner/common/error-table';

/** The runner, compiled from the sources as they are. */
const compiled = mkdtempSync(path.join(tmpdir(), 'homeostat-runner-'));
const runner = path.join(compiled, 'homeostat.cjs');
t.before(() => bundle(compiled));
t.teardown(() => rmSync(compiled, { recursive: true, force: true }));

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the runner without an Engine; `env` comes on top of the barest environment. */
function homeostat(cwd: string, args: string[], env: Record<string, string> = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [runner, ...args], {
      cwd,
      env: { PATH: process.env.PATH!, HOME: cwd, DOCKER_HOST: 'tcp://127.0.0.1:1', ...env },
    });
    const ended: Ended = { code: null, stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (ended.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (ended.stderr += text));
    child.on('close', (code) => resolve({ ...ended, code }));
  });
}
const project = (t: Test, files: Record<string, string> = {}) =>
  t.testdir({ 'homeostat.yml': 'name: shop\nimage: registry.example.com/shop\n', ...files });

t.test(
  'what went wrong has its exit code, its error on standard error, and nothing else on standard output',
  async (t) => {
    const table: [string[], Record<string, string>, string, RegExp][] = [
      [['bild'], {}, 'USAGE_INVALID', /unknown command 'bild' \(did you mean 'build'\?\)/],
      [[''], {}, 'USAGE_INVALID', /unknown command ''/],
      [['constructor'], {}, 'USAGE_INVALID', /unknown command 'constructor'/],
      [['build', '--imgae', 'x'], {}, 'USAGE_INVALID', /unknown option --imgae \(did you mean 'image'\?\)/],
      [['build', '--tag', 'a', '--tag', 'b'], {}, 'USAGE_INVALID', /--tag: is given more than once/],
      [['rollback', '--to', 'x'], {}, 'USAGE_INVALID', /--to: 'x' is not a whole number/],
      [['deploy', '--policy', 'x'], {}, 'USAGE_INVALID', /policy/i],
      [['build', '--config', 'gone.yml'], {}, 'CONFIG_MISSING', /there is no gone\.yml/],
      [['build', '--tag', 'A B'], {}, 'IMAGE_INVALID', /not a legal tag/],
      [['pipeline', '--build', '1'], {}, 'STACK_MISSING', /there is no stack file stack\.yml/],
      [['releases', '--stack', 'shop'], {}, 'ENGINE_UNREACHABLE', /does not answer/],
      [['releases', '--stack', 'shop'], { DOCKER_HOST: 'nonsense' }, 'USAGE_INVALID', /DOCKER_HOST is 'nonsense'/],
      [['build'], { HOMEOSTAT_PARAMETERS: '{' }, 'USAGE_INVALID', /HOMEOSTAT_PARAMETERS is not JSON/],
    ];
    const folder = project(t);
    await Promise.all(
      table.map(async ([args, env, code, message]) => {
        const ended = await homeostat(folder, args, env);
        t.equal(ended.code, errorTable[code as keyof typeof errorTable].exit, args.join(' '));
        t.match(ended.stderr, new RegExp(`^error ${code}: `, 'm'));
        t.match(ended.stderr, message);
        t.match(ended.stderr, /^ {2}remedy: \S/m);
        t.equal(ended.stdout, '');
        t.notMatch(ended.stderr, / at .*:\d+:\d+/, 'no stack trace');
      }),
    );
  },
);

t.test('with --json the result or the error is the one document on standard output', async (t) => {
  const folder = project(t);
  for (const [args, env] of [
    [['build', '--nope', '--json'], {}],
    [['build', '--nope'], { HOMEOSTAT_JSON: 'true' }],
  ] as const) {
    const failed = await homeostat(folder, [...args], env);
    t.match(JSON.parse(failed.stdout), {
      error: { code: 'USAGE_INVALID', exitCode: 2, message: 'unknown option --nope' },
    });
  }
  const planned = await homeostat(folder, ['build', '--dry-run', '--json', '--tag', '1']);
  t.equal(planned.code, 0);
  t.match(JSON.parse(planned.stdout), { plan: { image: 'registry.example.com/shop:1' } });
  const plain = await homeostat(folder, ['build', '--dry-run', '--tag', '1']);
  t.match(plain.stdout, /^plan \(nothing was changed\):\n/);
});

t.test('the result file has the result or the error, whole, for nobody else to read', async (t) => {
  const folder = project(t, { 'old.json': 'old' });
  await homeostat(folder, ['build', '--dry-run', '--tag', '1'], { HOMEOSTAT_RESULT: 'old.json' });
  t.match(JSON.parse(readFileSync(path.join(folder, 'old.json'), 'utf8')), {
    plan: { image: 'registry.example.com/shop:1' },
  });
  t.equal(statSync(path.join(folder, 'old.json')).mode & 0o777, 0o600);
  await homeostat(folder, ['bild'], { HOMEOSTAT_RESULT: path.join(folder, 'new.json') });
  t.match(JSON.parse(readFileSync(path.join(folder, 'new.json'), 'utf8')), { error: { code: 'USAGE_INVALID' } });
  t.same(readdirSync(folder).sort(), ['homeostat.yml', 'new.json', 'old.json'], 'no part is left');
});

t.test(
  'a result file that cannot be written changes neither exit code nor output; devices and links stay what they are',
  async (t) => {
    const folder = project(t, { target: 'old' });
    for (const place of ['gone/result.json', '.', 'homeostat.yml/x']) {
      const ended = await homeostat(folder, ['build', '--dry-run', '--tag', '1'], { HOMEOSTAT_RESULT: place });
      t.equal(ended.code, 0, place);
      t.match(ended.stderr, /warning: the result could not be written/);
    }
    symlinkSync('target', path.join(folder, 'link'));
    await homeostat(folder, ['bild'], { HOMEOSTAT_RESULT: 'link' });
    t.match(readFileSync(path.join(folder, 'target'), 'utf8'), 'USAGE_INVALID');
    await homeostat(folder, ['bild'], { HOMEOSTAT_RESULT: '/dev/null' });
    t.ok(statSync('/dev/null').isCharacterDevice());
  },
);

t.test('every command explains itself with its options and an example', async (t) => {
  const folder = project(t);
  const overview = await homeostat(folder, ['--help']);
  t.equal(overview.code, 0);
  for (const name of Object.keys(commands)) {
    const { code, stdout } = await homeostat(folder, [name, '--help']);
    t.equal(code, 0, name);
    t.match(stdout, new RegExp(`^homeostat ${name}`));
    t.match(stdout, /Examples:\n +homeostat /);
    t.match(stdout, /--json/);
    t.match(overview.stdout, new RegExp(`homeostat ${name}`));
  }
});

t.test('without a command the overview is shown, and that is an error', async (t) => {
  const { code, stdout } = await homeostat(project(t), []);
  t.equal(code, 2);
  t.match(stdout, /homeostat <command>/);
});

t.test('the shell completes commands and options', async (t) => {
  const folder = project(t);
  const script = await homeostat(folder, ['completion'], { SHELL: '/bin/bash' });
  t.match(script.stdout, /###-begin-homeostat-completions-###/);
  t.equal(spawnSync('bash', ['-n'], { input: script.stdout }).status, 0, 'it is a script that bash understands');
  const words = await homeostat(folder, ['--get-yargs-completions', 'homeostat', 'ro'], { SHELL: '/bin/bash' });
  t.match(words.stdout, /^rollback$/m);
});

t.test('no secret appears in any output, whatever is printed for debugging', async (t) => {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(String(request.headers['x-registry-auth'] ?? ''));
    response.writeHead(500, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ message: 'the registry said: opensesame-1 is wrong, and so is b3BlbnNlc2FtZS0y' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const folder = project(t, {
    'config.json': JSON.stringify({
      auths: { 'registry.example.com': { auth: Buffer.from('me:opensesame-1').toString('base64') } },
    }),
  });
  const env = {
    DOCKER_HOST: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    DOCKER_CONFIG: folder,
    DEBUG: '*',
    NODE_DEBUG: '',
    OTHER_TOKEN: 'opensesame-2',
    HOMEOSTAT_RESULT: 'result.json',
  };
  const args = ['deploy', '--service', 'shop_web', '--image', 'registry.example.com/shop:1', '--debug', '--json'];
  const ended = await homeostat(folder, args, env);
  t.ok(
    seen.some((header) => Buffer.from(header, 'base64').toString().includes('opensesame-1')),
    'the credentials were used',
  );
  const all = ended.stdout + ended.stderr + readFileSync(path.join(folder, 'result.json'), 'utf8');
  t.match(all, 'the registry said: ****');
  for (const secret of [
    'opensesame-1',
    'opensesame-2',
    'b3BlbnNlc2FtZS0',
    Buffer.from('me:opensesame-1').toString('base64'),
  ])
    t.notMatch(all, secret);
});

t.test('a secret that looks like a word of the result leaves the result what it is', async (t) => {
  const env = { A_TOKEN: 'error', B_TOKEN: 'USAGE_INVALID', C_TOKEN: 'message' };
  const { stdout } = await homeostat(project(t), ['build', '--nope', '--json'], env);
  t.match(JSON.parse(stdout), { error: { message: 'unknown option --nope', exitCode: 2 } });
});

t.test('what a file says cannot drive the terminal or pass for our words', async (t) => {
  const folder = t.testdir();
  writeFileSync(path.join(folder, 'homeostat.yml'), 'name: "\\e[2Jx\\nerror INTERNAL: forged"\nimage: x\n');
  const { code, stderr } = await homeostat(folder, ['build']);
  t.equal(code, 2);
  t.notMatch(stderr, '\u001b');
  t.equal(stderr.split('\n').filter((line) => line.startsWith('error ')).length, 1);
});
