import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { bundle } from '../../build/bundle';

const committed = path.join(__dirname, '../../resources/homeostat/homeostat.cjs');

t.test('the committed runner is what the sources give, byte for byte', async (t) => {
  const folder = t.testdir();
  await bundle(folder);
  const same = readFileSync(path.join(folder, 'homeostat.cjs')).equals(readFileSync(committed));
  t.ok(same, 'run `npm run build` and commit resources/homeostat');
});

t.test('its checksum fits', async (t) => {
  const digest = createHash('sha256').update(readFileSync(committed)).digest('hex');
  t.equal(readFileSync(`${committed}.sha256`, 'utf8'), `${digest}  homeostat.cjs\n`);
});

t.test('it starts at most twice as slowly as Node.js itself', async (t) => {
  const env = { PATH: process.env.PATH };
  const measure = (...words: string[]) => {
    const start = performance.now();
    execFileSync(process.execPath, words, { env });
    return performance.now() - start;
  };
  const runs = Array.from({ length: 9 }, () => [measure('-e', '0'), measure(committed, '--version')] as const);
  const median = (values: number[]) => values.sort((a, b) => a - b)[4]!;
  const [node, homeostat] = [median(runs.map(([a]) => a)), median(runs.map(([, b]) => b))];
  t.comment(`node ${node.toFixed(0)} ms, homeostat --version ${homeostat.toFixed(0)} ms`);
  t.ok(homeostat <= 2 * node);
});
