import { createHistogram } from 'node:perf_hooks';
import autocannon from 'autocannon';
import { fail } from '../common/errors';
import { formatDuration } from '../common/duration';
import type { LoadConfig } from './config';

export interface LoadReport {
  requests: number;
  failures: number;
  /** Requests a second: the median of the seconds. */
  rate: number;
  /** Milliseconds. */
  p50: number;
  p95: number;
  p99: number;
}

/** Sends the configured load to an address and measures; bounded in time and connections. */
export async function runLoad(address: string, load: LoadConfig): Promise<LoadReport> {
  const microseconds = createHistogram();
  const options = {
    url: new URL(load.path, address).href,
    connections: load.connections,
    duration: load.duration / 1000,
    timeout: 10,
    ...(load.rate ? { overallRate: load.rate } : {}),
  };
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    const instance = autocannon(options, (error: unknown, done) => (error ? reject(error as Error) : resolve(done)));
    instance.on('response', (_client, _status, _bytes, milliseconds) =>
      microseconds.record(Math.max(1, Math.round(milliseconds * 1000))),
    );
  });
  const percentile = (rank: number) => (microseconds.count === 0 ? 0 : microseconds.percentile(rank) / 1000);
  return {
    requests: result.requests.total,
    failures: result.errors + result.non2xx,
    rate: result.requests.p50,
    p50: percentile(50),
    p95: percentile(95),
    p99: percentile(99),
  };
}

/**
 * Holds a load report against its limits.
 * @throws TEST_FAILED naming each limit that was broken
 */
export function judgeLoad(report: LoadReport, load: LoadConfig): void {
  const broken: string[] = [];
  if (report.requests === 0) broken.push('no request was answered');
  if (report.failures > load.failures)
    broken.push(
      `${report.failures} of ${report.requests + report.failures} requests failed, allowed are ${load.failures}`,
    );
  if (report.p95 > load.p95)
    broken.push(`p95 is ${formatDuration(report.p95)}, the limit is ${formatDuration(load.p95)}`);
  if (report.p99 > load.p99)
    broken.push(`p99 is ${formatDuration(report.p99)}, the limit is ${formatDuration(load.p99)}`);
  if (broken.length > 0) fail('TEST_FAILED', `the load test is red: ${broken.join('; ')}`, { data: { load: report } });
}

/** The report in one line. */
export const describeLoad = (report: LoadReport): string =>
  `${report.requests} requests, ${report.failures} failed, ${Math.round(report.rate)}/s, p50 ${formatDuration(report.p50)}, p95 ${formatDuration(report.p95)}, p99 ${formatDuration(report.p99)}`;
