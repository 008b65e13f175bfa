import { readdirSync, readFileSync } from 'node:fs';
import { startClients } from '../e2e/clients';
import { statusOf, type Door, type Question } from '../e2e/door';
import { until } from '../e2e/support';
import { pause } from './measure';

/** Asks every few milliseconds, each time over a new connection, until the status is that; answers with the time of that answer. */
export async function firstAnswer(question: Question, status: number, limit = 60_000, every = 5): Promise<number> {
  const end = Date.now() + limit;
  let found = 0;
  while (!found && Date.now() < end) {
    void statusOf({ ...question, timeout: 300 }).then((seen) => {
      if (seen === status) found ||= Date.now();
    });
    await pause(every);
  }
  if (!found) throw new Error(`${question.path} was never answered by ${status}`);
  return found;
}

export interface SeenTask {
  ID: string;
  ServiceID: string;
  Status: { Timestamp: string; ContainerStatus?: { ContainerID: string } };
}

/** The one task of a service, as soon as the Swarm says that it runs: its first answer may be earlier. */
export async function runningTask(door: Door, service: string): Promise<SeenTask> {
  for (;;) {
    const [task] = await tasksOf(door, service);
    if (task) return task;
    await pause(20);
  }
}

export const tasksOf = async (door: Door, ...services: string[]): Promise<SeenTask[]> => {
  const filters = JSON.stringify({ service: services, 'desired-state': ['running'] });
  const tasks = (await door.engine.listTasks({ filters })) as (SeenTask & { Status: { State: string } })[];
  return tasks.filter(({ Status }) => Status.State === 'running');
};

/** Scales a service up under traffic: by each door, seconds from when each new task is healthy until its first request. */
export async function firstRequests(
  door: Door,
  service: string,
  questions: Question[],
  replicas: number,
): Promise<number[][]> {
  const old = new Set((await tasksOf(door, service)).map(({ ID }) => ID));
  const doors = questions.map((question) => {
    const seen = new Map<string, number>();
    const key = (text: string) => {
      const { host } = JSON.parse(text) as { host: string };
      if (!seen.has(host)) seen.set(host, Date.now());
      return host;
    };
    return { seen, clients: startClients([question], { rate: 50, key }) };
  });
  await door.lab.docker(1, 'service', 'update', '--no-resolve-image', '--replicas', String(replicas), service);
  await pause(2000);
  await Promise.all(doors.map(({ clients }) => clients.stop()));
  const added = (await tasksOf(door, service)).filter(({ ID }) => !old.has(ID));
  return doors.map(({ seen }) =>
    added.map(({ Status }) => {
      const host = Status.ContainerStatus!.ContainerID.slice(0, 12);
      return ((seen.get(host) ?? Infinity) - Date.parse(Status.Timestamp)) / 1000;
    }),
  );
}

/** What is read of each process of a container whose name begins so. */
function eachProcess(container: string, name: string, read: (folder: string) => number): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      const folder = `/proc/${pid}`;
      try {
        const isIt =
          readFileSync(`${folder}/cgroup`, 'utf8').includes(container) &&
          readFileSync(`${folder}/comm`, 'utf8').startsWith(name);
        return isIt ? [read(folder)] : [];
      } catch {
        return [];
      }
    });
}

/** Seconds of processor time of the processes of that name in a container. */
export function processorTime(container: string, name: string): number {
  const ticks = eachProcess(container, name, (folder) => {
    const stat = readFileSync(`${folder}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11]) + Number(fields[12]);
  });
  return ticks.reduce((sum, each) => sum + each, 0) / 100;
}

/** Per cent of a core that the processes of that name in a container take, in twenty intervals of eight seconds. */
export async function sharesOf(container: string, name: string): Promise<number[]> {
  const found: number[] = [];
  for (let round = 0; round < 20; round++) {
    const begin = processorTime(container, name);
    await pause(8000);
    found.push(((processorTime(container, name) - begin) / 8) * 100);
  }
  return found;
}

/** Resident memory in MB of the largest process of that name in a container. */
export function memoryOf(container: string, name: string): number {
  const sizes = eachProcess(
    container,
    name,
    (folder) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`${folder}/status`, 'utf8'))?.[1] ?? 0) / 1024,
  );
  return Math.max(...sizes);
}

export const containerOf = async (door: Door, name: string) =>
  (await door.lab.docker(1, 'ps', '-q', '--no-trunc', '--filter', `name=${name}`)).split('\n')[0]!;

/** Where a proxy is asked for its throughput. */
export interface LoadTarget {
  container: string;
  /** Name of its process. */
  process: string;
  url: string;
}

/** A proxy as soon as it runs and answers there. */
export async function loadTarget(door: Door, service: string, process: string, path: string): Promise<LoadTarget> {
  const { lab } = door;
  let container = '';
  if (!(await until(async () => (container = await containerOf(door, service)) !== '', 60)))
    throw new Error(`${service} does not run`);
  // The bridge by which host-mode ports lead to it, without the translation of addresses in between.
  const bridge = await lab.docker(1, 'network', 'inspect', 'docker_gwbridge', '--format', '{{json .Containers}}');
  const { IPv4Address } = (JSON.parse(bridge) as Record<string, { IPv4Address: string }>)[container]!;
  const url = `http://${IPv4Address.replace(/\/\d+$/, '')}${path}`;
  const answers = () =>
    lab.exec(1, 'wget', '-q', '-O', '/dev/null', '--tries=1', '--timeout=2', url).then(
      () => true,
      () => false,
    );
  if (!(await until(answers, 60))) throw new Error(`${service} does not answer at ${url}`);
  return { container, process, url };
}

/** Requests a second of 32 clients that keep their connections, and microseconds of the proxy's processor time for each. */
export async function load(
  door: Door,
  { container, process, url }: LoadTarget,
): Promise<{ rate: number; cost: number }> {
  const start = processorTime(container, process);
  const output = await door.lab.exec(1, 'wrk', '-t1', '-c32', '-d4s', url);
  const spent = processorTime(container, process) - start;
  const requests = Number(/(\d+) requests in/.exec(output)![1]);
  if (/Non-2xx/.test(output)) throw new Error(output);
  return { rate: requests / 4, cost: (spent / requests) * 1e6 };
}
