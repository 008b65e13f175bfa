import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import { row, type Series } from './measure';

const file = path.join(__dirname, '../../docs/benchmarks.md');

const head = `# Benchmarks

Measured by \`npm run bench\` on Swarms of its own (Docker Engines in namespaces), what is compared side by side in one run;
\`npm run bench door\` measures one part.
`;

const columns = [
  '| what | unit | n | min | median | p95 | max | has to be |',
  '| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |',
];

/** Puts a part's figures into docs/benchmarks.md, in place of those that stand there. */
export function writeSection(title: string, about: string, series: Series[]): void {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const sections = new Map(
    text
      .split(/^(?=## )/m)
      .slice(1)
      .map((section) => [/^## (.*)$/m.exec(section)![1]!, section.trim()]),
  );
  const machine = `Machine: ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node.js ${process.version}.`;
  sections.set(title, [`## ${title}`, '', about, machine, '', ...columns, ...series.map(row)].join('\n'));
  writeFileSync(file, `${[head.trim(), ...[...sections].sort().map(([, section]) => section)].join('\n\n')}\n`);
}
