import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { errorTable, exitCodes } from '../runner/common/error-table';
import { configJsonSchema } from '../runner/pipeline/config';
import { systemJsonSchema } from '../runner/system/system-file';
import { dashboardFiles } from './dashboards';
import { labelsPage } from './labels-page';
import { labelsJsonSchema } from './labels-schema';

const root = path.join(__dirname, '..');

/** A committed file that is made from the sources; CI refuses a stale one. */
export interface GeneratedFile {
  file: string;
  content: string;
}

export function generatedFiles(): GeneratedFile[] {
  return [
    { file: 'docs/errors.md', content: errorPage() },
    { file: 'docs/labels.md', content: labelsPage() },
    { file: 'resources/schema/labels.json', content: `${JSON.stringify(labelsJsonSchema(), null, 2)}\n` },
    { file: 'resources/schema/homeostat.json', content: `${JSON.stringify(configJsonSchema(), null, 2)}\n` },
    { file: 'resources/schema/system.json', content: `${JSON.stringify(systemJsonSchema(), null, 2)}\n` },
    ...dashboardFiles(),
  ];
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
    '## Errors of the Jenkins step',
    '',
    'Before the runner can speak, the step `homeostat` itself may fail: `NODE_MISSING` (the agent has no Node.js 20),',
    '`RUNNER_DAMAGED` (the runner on the agent is not the one of the library) and `RESULT_MISSING` (the runner ended without',
    'a result). Its page in Jenkins says what to do.',
    '',
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
