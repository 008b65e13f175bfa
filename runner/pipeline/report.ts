import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from '../common/context';
import { errorDocument, toHomeostatError, type HomeostatError } from '../common/errors';
import { secondsSince } from '../common/clock';
import { maskedJson } from '../common/mask';
import { reportsFolder, type TestResult } from './tests';

export type StageName = 'unit' | 'build' | 'push' | 'candidate' | 'release' | 'deploy' | 'verify';

export interface StageReport {
  name: StageName;
  verdict: 'done' | 'failed' | 'skipped';
  seconds: number;
}

/** What a pipeline did, for people and machines. */
export interface PipelineReport {
  service: string;
  build: string;
  verdict: 'done' | 'failed';
  revision?: string;
  image?: string;
  /** Repository and digest: what was tested and what runs. */
  reference?: string;
  tags?: string[];
  stack?: string;
  release?: number;
  stages: StageReport[];
  tests: TestResult[];
  seconds: number;
  /** Seconds spent waiting for the candidate to be gone. */
  removal?: number;
  error?: ReturnType<typeof errorDocument>['error'];
}

/** Runs a stage, times it, and adds it to the report; a failure is marked with the stage's name. */
export async function stage<T>(
  report: PipelineReport,
  name: StageName,
  context: Context,
  work: () => Promise<T>,
): Promise<T> {
  const start = context.clock.monotonic();
  context.log.info(`── ${name}`);
  try {
    const value = await work();
    report.stages.push({ name, verdict: 'done', seconds: secondsSince(context.clock, start) });
    return value;
  } catch (thrown) {
    report.stages.push({ name, verdict: 'failed', seconds: secondsSince(context.clock, start) });
    throw thrown;
  }
}

/** Marks a stage that had nothing to do. */
export function skip(report: PipelineReport, name: StageName): void {
  report.stages.push({ name, verdict: 'skipped', seconds: 0 });
}

/** The report with the error in it. */
export function failedReport(
  report: PipelineReport,
  thrown: unknown,
): { report: PipelineReport; error: HomeostatError } {
  const error = toHomeostatError(thrown);
  return { error, report: { ...report, verdict: 'failed', error: errorDocument(error).error } };
}

const telling = /error|fail|\u2716|\u2718|not ok|assert|exception|refused|denied|panic|fatal/i;

/** Of the lines kept as evidence the one that says most: the first that names a failure, else the last. */
export const keyLine = (evidence: string[]): string | undefined =>
  evidence.find((line) => telling.test(line) && !/\b0 fail|fail(ed|ures)?:? 0\b/i.test(line)) ?? evidence.at(-1);

/** The report as a table for people. */
export function renderReport(report: PipelineReport): string {
  const mark = { done: '✔', failed: '✘', skipped: '–' };
  const lines = [`${report.service} build ${report.build}: ${report.verdict} in ${report.seconds.toFixed(1)} s`];
  for (const each of report.stages) {
    lines.push(
      `  ${mark[each.verdict]} ${each.name.padEnd(10)} ${each.verdict === 'skipped' ? 'nothing to do' : `${each.seconds.toFixed(1)} s`}`,
    );
  }
  for (const test of report.tests) lines.push(`    ${test.name} test green in ${test.seconds.toFixed(1)} s`);
  if (report.reference) lines.push(`  image      ${report.reference}`);
  if (report.release) lines.push(`  release    ${report.release} of ${report.stack}`);
  if (report.error) {
    const failed = report.stages.find((each) => each.verdict === 'failed');
    lines.push(`  failed     ${failed ? `in ${failed.name}: ` : ''}${report.error.message}`);
    if (report.error.cause) lines.push(`  cause      ${report.error.cause}`);
    const line = keyLine(report.error.evidence ?? []);
    if (line) lines.push(`  evidence   ${line.trim()}`);
    lines.push(`  remedy     ${report.error.remedy}`);
  }
  return lines.join('\n');
}

/** Writes the report as JSON and as text below the folder of reports. */
export async function writeReport(report: PipelineReport, folder: string, context: Context): Promise<void> {
  const reports = path.join(folder, reportsFolder);
  await mkdir(reports, { recursive: true });
  await writeFile(path.join(reports, 'pipeline.json'), `${maskedJson(context.masker, report)}\n`);
  await writeFile(path.join(reports, 'pipeline.txt'), `${context.masker(renderReport(report))}\n`);
}
