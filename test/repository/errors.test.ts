import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { staleFiles } from '../../build/generate';
import { errorTable, exitCodes } from '../../runner/common/error-table';

const runner = path.join(__dirname, '../../runner');
const source = readdirSync(runner, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('error-table.ts'))
  .map((file) => readFileSync(path.join(runner, file), 'utf8'))
  .join('\n');

t.test('every error of the table can happen, and tells what to do', async (t) => {
  for (const [code, { exit, meaning, remedy }] of Object.entries(errorTable)) {
    t.ok(source.includes(`'${code}'`), `${code} is thrown somewhere`);
    t.ok(exit in exitCodes, `${code} has a documented exit code`);
    t.match(meaning, /\.$/, `the meaning of ${code} is a sentence`);
    t.match(remedy, /\.$/, `the remedy of ${code} is a sentence`);
  }
});

t.test('every documented exit code is used', async (t) => {
  const used = new Set<number>([0, ...Object.values(errorTable).map(({ exit }) => exit)]);
  t.same(
    Object.keys(exitCodes).filter((code) => !used.has(Number(code))),
    [],
  );
});

t.test('generated files are what the sources give', async (t) => t.same(staleFiles(), []));
