import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { errorTable, exitCodes } from '../runner/common/error-table';

const root = path.join(__dirname, '..');

/** A committed file that is made from the sources; CI refuses a stale one. */
export interface GeneratedFile {
  file: string;
  content: string;
}

export function generatedFiles(): GeneratedFile[] {
  return [{ file: 'docs/errors.md', content: errorPage() }];
}

function errorPage(): string {
  const errors = Object.entries(errorTable).sort(([a], [b]) => a.localeCompare(b));
  return [
    '# Exit codes and errors',
    '',
    'Generated from `runner/common/error-table.ts`.',
    '',
    '## Exit codes',
    '',
    '| code | meaning |',
    '| ---: | --- |',
    ...Object.entries(exitCodes).map(([code, meaning]) => `| ${code} | ${meaning} |`),
    '',
    '## Errors',
    '',
    'Each error is printed with its code, what failed, the cause and the remedy; with `--json` as one document.',
    '',
    ...errors.flatMap(([code, { exit, meaning, remedy }]) => [
      `### ${code}`,
      '',
      `${meaning} Exit code ${exit}.`,
      '',
      `Remedy: ${remedy}`,
      '',
    ]),
  ].join('\n');
}

/** Files whose committed text differs from what the sources give. */
export function staleFiles(): string[] {
  return generatedFiles()
    .filter(({ file, content }) => {
      try {
        return readFileSync(path.join(root, file), 'utf8') !== content;
      } catch {
        return true;
      }
    })
    .map(({ file }) => file);
}

if (require.main === module) {
  if (process.argv[2] === '--check') {
    for (const file of staleFiles()) {
      process.stderr.write(`${file} is stale; run npm run build\n`);
      process.exitCode = 1;
    }
  } else {
    for (const { file, content } of generatedFiles()) {
      mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
      writeFileSync(path.join(root, file), content);
    }
  }
}
