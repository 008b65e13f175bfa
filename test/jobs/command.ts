import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { runCommandLine } from '../../runner/commands/cli';
import { systemClock } from '../../runner/common/clock';
import { parseRights } from '../../runner/jobs/rights';
import { addToken, Tokens } from '../../runner/jobs/tokens';
import { testContext } from './support';

const runIn = async (folder: string, ...argv: string[]) => {
  let printed = '';
  const context = { ...testContext(folder), env: {}, stdout: { write: (text: string) => (printed += text) } };
  const code = await runCommandLine(['jobs', ...argv], context);
  return { code, printed, logged: context.logged() };
};

t.test('--add-token prints the token once and keeps its hash', async (t) => {
  const folder = t.testdir();
  const { code, printed, logged } = await runIn(
    folder,
    '--add-token',
    'alice',
    '--rights',
    'a:build,*:read',
    '--data',
    'd',
  );
  t.equal(code, 0);
  const token = printed.trim();
  t.match(token, /^homeostat_[0-9a-f]{40}$/);
  t.equal(logged, '');
  t.notOk(readFileSync(path.join(folder, 'd/tokens.json'), 'utf8').includes(token));
  const tokens = new Tokens(path.join(folder, 'd'), testContext(folder).log);
  t.same(await tokens.find(token, 'alice'), { name: 'alice', rights: { a: ['build'], '*': ['read'] } });
  t.same(JSON.parse((await runIn(folder, '--add-token', 'bob', '--rights', '*:read', '--json')).printed).user, 'bob');
});

t.test('what --add-token refuses', async (t) => {
  const folder = t.testdir();
  for (const argv of [
    ['--add-token', 'a'],
    ['--add-token', 'a', '--rights', 'x'],
    ['--add-token', '../a', '--rights', '*:read'],
    ['--add-token', 'a:b', '--rights', '*:read'],
  ]) {
    const { code, logged } = await runIn(folder, ...argv);
    t.match([code, logged], [2, /error USAGE_INVALID: .*--(rights|add-token)/], argv.join(' '));
  }
  t.notOk(existsSync(path.join(folder, 'jobs-data')), 'nothing was made');
});

t.test('tokens made at the same time are all kept', async (t) => {
  const folder = t.testdir();
  const names = Array.from({ length: 20 }, (_, index) => `user${index}`);
  const made = await Promise.all(names.map((name) => addToken(folder, name, parseRights('*:read'), systemClock)));
  const tokens = new Tokens(folder, testContext(folder).log);
  for (const [index, token] of made.entries()) t.equal((await tokens.find(token))?.name, names[index]);
});

t.test('a folder or file of tokens that cannot be used', async (t) => {
  const folder = t.testdir({ file: '', 'tokens.json': '{}' });
  await t.rejects(addToken(path.join(folder, 'file'), 'a', {}, systemClock), { code: 'JOBS_STORE' });
  await t.rejects(addToken(folder, 'a', {}, systemClock), { code: 'JOBS_STORE' });
  t.equal(readFileSync(path.join(folder, 'tokens.json'), 'utf8'), '{}', 'it is left as it was');
  t.notOk(existsSync(path.join(folder, 'tokens.json.new')));
});

t.test('a server that cannot start says why', async (t) => {
  const folder = t.testdir({ 'broken.yml': 'jobs: { a: { comand: x } }', 'jobs.yml': 'jobs: {}' });
  const missing = await runIn(folder, '--jobs', 'none.yml');
  t.match([missing.code, missing.logged], [2, /error JOBS_INVALID: the jobs file .*none\.yml cannot be read/]);
  const broken = await runIn(folder, '--jobs', 'broken.yml');
  t.match(
    [broken.code, broken.logged],
    [2, /broken\.yml:1:14 unknown key 'jobs\.a\.comand' \(did you mean 'command'\?\)/],
  );
  for (const listen of ['8080', 'x:y', 'a b:1', '127.0.0.1:70000', '::1:80'])
    t.match(
      await runIn(folder, '--listen', listen),
      { code: 2, logged: /--listen is '.*', which is not HOST:PORT/ },
      listen,
    );
  t.match(await runIn(folder, '--executors', '0'), { code: 2, logged: /--executors is 0/ });
  writeFileSync(path.join(folder, 'file'), '');
  t.match(await runIn(folder, '--data', 'file/data', '--listen', '127.0.0.1:0'), {
    code: 8,
    logged: /error JOBS_STORE/,
  });
});
