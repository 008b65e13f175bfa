import type { Door, Question } from '../e2e/door';
import { provideImage } from '../lab/images';
import { firstAnswer, tasksOf, type SeenTask } from './door-measures';
import { pause } from './measure';

/** What was met: seconds from the first request to the Engine until the last task ran, and from then until each door led to all of them. */
export interface AtOnce {
  ran: number;
  routed: number[];
}

/** Makes services of one page each, all at once. Each is asked for its page, `/<name>/`, at each of the doors. */
export async function createAtOnce(
  door: Door,
  names: string[],
  labels: (name: string) => Record<string, string>,
  doors: Question[],
): Promise<AtOnce> {
  const { Id } = await door.engine.getImage(await provideImage(door.engine, 'busybox')).inspect();
  const server = (name: string) =>
    `mkdir -p /www/${name} && echo ok | tee /www/health >/www/${name}/index.html && exec httpd -f -p 8080 -h /www`;
  const start = Date.now();
  await Promise.all(
    names.map((name) =>
      door.engine.createService({
        Name: name,
        Labels: labels(name),
        TaskTemplate: {
          ContainerSpec: { Image: Id, Command: ['sh', '-c', server(name)] },
          Networks: [{ Target: 'proxy' }],
        },
        EndpointSpec: { Mode: 'dnsrr' },
      } as never),
    ),
  );
  const { tasks, routed } = await runAndAnswer(door, names, doors);
  const last = Math.max(...tasks.map(({ Status }) => Date.parse(Status.Timestamp)));
  return { ran: (last - start) / 1000, routed: routed.map((times) => (Math.max(...times) - last) / 1000) };
}

/** Asks each of many services from when its task runs, and seldom enough that the asking is not what is measured. */
async function runAndAnswer(door: Door, names: string[], doors: Question[]) {
  const tasks = new Map<string, SeenTask>();
  const asked = doors.map(() => [] as Promise<number>[]);
  const end = Date.now() + 300_000;
  while (tasks.size < names.length && Date.now() < end) {
    for (const task of await tasksOf(door, ...names)) {
      if (tasks.has(task.ServiceID)) continue;
      tasks.set(task.ServiceID, task);
      const { Name } = ((await door.engine.getService(task.ServiceID).inspect()) as { Spec: { Name: string } }).Spec;
      doors.forEach((each, index) => asked[index]!.push(firstAnswer({ ...each, path: `/${Name}/` }, 200, 60_000, 50)));
    }
    // The last ones decide.
    await pause(tasks.size < names.length - 5 ? 300 : 20);
  }
  if (tasks.size < names.length) throw new Error(`${tasks.size} of ${names.length} tasks run`);
  const routed = await Promise.all(asked.map((answers) => Promise.all(answers)));
  return { tasks: [...tasks.values()], routed };
}
