import { fork } from 'node:child_process';
import path from 'node:path';
import t from 'tap';
import { systemClock } from '../../runner/common/clock';
import { parseRights } from '../../runner/jobs/rights';
import { addToken } from '../../runner/jobs/tokens';
import { startServer } from '../jobs/support';
import type { Batch } from './jenkins-client';
import { percentile, type Series } from './measure';
import { writeSection } from './report';

const builds = Number(process.env.BUILDS ?? 1000);
const batch = builds / 10;
/** MiB by which the client may differ between the first and the last hundred builds. */
const mostGrowth = 4;

const yaml = `
quietPeriod: 0
jobs:
  service-scale:
    command: scale
    environment: { RECORD: $RECORD }
    parameters: { service: {}, scale: {}, id: {} }
`;

t.test('from the POST to the finished build, and what the client then holds', async (t) => {
  const server = await startServer(t, yaml);
  const token = await addToken(server.data, 'tester', parseRights('*:read+build'), systemClock);
  const child = fork(path.join(__dirname, 'jenkins-client.ts'), [server.url, token, `${builds}`, `${batch}`], {
    execArgv: ['-r', 'ts-node/register/transpile-only', '--expose-gc'],
  });
  const batches: Batch[] = [];
  child.on('message', (message) => batches.push(message as Batch));
  const code = await new Promise((resolve) => child.on('close', resolve));
  t.equal(code, 0);
  t.equal(server.records().length, builds, 'no build is lost or doubled');
  const milliseconds = batches.flatMap((each) => each.milliseconds);
  const growth = batches.at(-1)!.heap - batches[0]!.heap;
  t.ok(percentile(milliseconds, 0.95) < 500);
  t.ok(growth < mostGrowth);
  const series: Series[] = [
    {
      name: 'POST to the finished build, through the client',
      unit: 'ms',
      values: milliseconds,
      limit: 'p95 below 500',
    },
    {
      name: `heap of the client after each ${batch} builds`,
      unit: 'MiB',
      values: batches.map(({ heap }) => heap),
      limit: '',
    },
    {
      name: `resident memory of the client after each ${batch} builds`,
      unit: 'MiB',
      values: batches.map(({ resident }) => resident),
      limit: '',
    },
    { name: `growth of its heap over ${builds} builds`, unit: 'MiB', values: [growth], limit: `below ${mostGrowth}` },
  ];
  writeSection(
    'Jenkins client',
    'One build after the other on the embedded job server, whose command ends at once.',
    series,
  );
});
