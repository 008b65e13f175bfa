import { readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import t from 'tap';
import { compiledRunner, killHard, ServerFolder } from './child';
import { rawClient, temporaryFolder, until } from './support';

const yaml = `
jobs:
  service-scale:
    command: status
    quietPeriod: 1h
    environment: { RECORD: $RECORD }
    parameters: { service: {} }
`;

const memoryOf = (pid: number) =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;

t.test('a thousand requests at once: none lost, none double', async (t) => {
  const folder = new ServerFolder(temporaryFolder(t), await compiledRunner(temporaryFolder(t)), yaml);
  const server = await folder.start();
  const idle = memoryOf(server.child.pid!);
  t.ok(idle <= 80, `an idle server takes ${idle.toFixed(1)} MB`);
  const agent = new http.Agent({ keepAlive: false });
  const client = rawClient(server.client.defaults.baseURL!);
  const auth = server.client.defaults.auth!;
  const answers = await Promise.all(
    Array.from({ length: 1000 }, (_, index) =>
      client.post(
        `job/service-scale/buildWithParameters?service=s${index % 900}`,
        { version: '4' },
        { auth, httpAgent: agent },
      ),
    ),
  );
  const statuses = answers.map(({ status }) => status);
  t.equal(statuses.filter((status) => status === 201).length, 900, 'different ones are queued');
  t.equal(statuses.filter((status) => status === 303).length, 100, 'equal ones are joined');
  t.equal(new Set(answers.map(({ headers }) => headers.location)).size, 900);
  await killHard(server);

  const onDisk = readdirSync(path.join(folder.data, 'queue')).map(
    (name) => JSON.parse(readFileSync(path.join(folder.data, 'queue', name), 'utf8')).parameters.service as string,
  );
  t.same(onDisk.sort(), Array.from({ length: 900 }, (_, index) => `s${index}`).sort());
  const next = await folder.start();
  t.equal((await next.client.get('queue/api/json')).data.items.length, 900, 'all are there after a kill');
  const { headers } = await next.client.post('job/service-scale/buildWithParameters?service=new');
  t.notOk(
    answers.some((answer) => answer.headers.location === headers.location),
    'an id is not given twice',
  );
  await until(() => memoryOf(next.child.pid!) < 110);
  await killHard(next);
});
