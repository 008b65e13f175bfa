import { statusOf, type Door, type Question } from '../e2e/door';
import { until } from '../e2e/support';
import { provideImage } from '../lab/images';
import { tasksOf, type SeenTask } from './door-measures';
import { pause } from './measure';

/** Seconds from the first request to the Engine until the last task ran, and from then until each door had led to all. */
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
  const answered = await Promise.all(doors.map((each) => lastAnswer(each, names)));
  let tasks: SeenTask[] = [];
  // The Swarm says that a task runs after it does.
  if (!(await until(async () => (tasks = await tasksOf(door, ...names)).length === names.length, 60)))
    throw new Error(`${tasks.length} of ${names.length} tasks run`);
  const last = Math.max(...tasks.map(({ Status }) => Date.parse(Status.Timestamp)));
  return { ran: (last - start) / 1000, routed: answered.map((time) => (time - last) / 1000) };
}

/**
 * When the last of many pages was first answered. Those that were not are asked in turn, 200 times a second in all: the
 * asking must not be what is measured, and the fewer are left the sooner each is asked again.
 */
async function lastAnswer(door: Question, names: string[]): Promise<number> {
  const missing = new Set(names);
  const end = Date.now() + 300_000;
  let last = 0;
  while (missing.size > 0 && Date.now() < end)
    for (const name of missing) {
      void statusOf({ ...door, path: `/${name}/`, timeout: 1000 }).then((status) => {
        if (status === 200 && missing.delete(name)) last = Date.now();
      });
      await pause(5);
    }
  if (missing.size > 0) throw new Error(`never answered: ${[...missing].join(' ')}`);
  return last;
}
