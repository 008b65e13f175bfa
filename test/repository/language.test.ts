import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';

const root = path.join(__dirname, '../..');
/** Mode, object, stage and name of every file git knows. */
const entries = execFileSync('git', ['ls-files', '--stage', '-z'], { cwd: root, encoding: 'utf8' })
  .split('\0')
  .filter(Boolean);
const files = entries
  .map((entry) => entry.slice(entry.indexOf('\t') + 1))
  .filter((file) => existsSync(path.join(root, file)));
const lines = (file: string) => readFileSync(path.join(root, file), 'utf8').split('\n').length - 1;

const longest = 300;
/** Files that may be longer, and why. */
const reasons: Record<string, string> = {
  'runner/common/error-table.ts': 'one table, in one place',
};

t.test('no symbolic links: Jenkins and archives treat them differently', async (t) => {
  t.same(
    entries.filter((entry) => entry.startsWith('120000')),
    [],
  );
});

t.test('files stay small enough to be read in one go', async (t) => {
  const long = files.filter((file) => /^runner\/.*\.ts$/.test(file) && lines(file) > longest);
  t.same(
    long.filter((file) => !(file in reasons)),
    [],
  );
});

t.test('every step of the library has its help page', async (t) => {
  const steps = files.filter((file) => /^vars\/.*\.groovy$/.test(file));
  t.same(
    steps.filter((file) => !existsSync(path.join(root, file.replace(/\.groovy$/, '.txt')))),
    [],
  );
});

t.test('line ends are those of Unix', async (t) => {
  const text = files.filter((file) => /\.(ts|mjs|groovy|md|sh|yml|json|txt)$/.test(file));
  t.same(
    text.filter((file) => readFileSync(path.join(root, file), 'utf8').includes('\r\n')),
    [],
  );
});
