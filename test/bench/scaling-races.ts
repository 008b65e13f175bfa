import type Docker from 'dockerode';
import { request, type Engine } from '../../runner/common/engine';
import type { ScaleRequest, Wish } from '../../runner/scaling/model';
import { scaleService, type ScaleResult } from '../../runner/scaling/scale';
import { scalingSettings } from '../../runner/scaling/settings';
import { findService, updateService } from '../../runner/swarm/services';
import type { Service, ServiceSpec, Task } from '../../runner/swarm/types';
import { uniqueName, type Lab } from '../lab';
import { realContext } from '../lab/context';
import { pause } from './measure';

/** What a write of a service's spec was, as the Engine was sent it. */
interface Write {
  base: number;
  replicas: number;
  marker: string;
  by: 'alert' | 'person' | 'deploy';
  /** What was wrong with it at the moment when it was sent. */
  wrong?: string;
}

export interface Races {
  rounds: number;
  /** Writes that the Swarm took. */
  writes: number;
  /** Writes that the Swarm refused because another was first. */
  conflicts: number;
  /** Changes made on behalf of alerts. */
  scaled: number;
  lost: string[];
  outside: string[];
  doubled: string[];
  duringRollout: string[];
  /** Requests that failed. */
  failed: string[];
}

export const noRaces = (): Races => ({
  ...{ rounds: 0, writes: 0, conflicts: 0, scaled: 0 },
  ...{ lost: [], outside: [], doubled: [], duringRollout: [], failed: [] },
});

const limits = { minimum: 2, maximum: 5 };
const environment = {
  HOMEOSTAT_SCALE_COOLDOWN_UP: '0',
  HOMEOSTAT_SCALE_COOLDOWN_DOWN: '0',
  HOMEOSTAT_SCALE_FLAP_WINDOW: '0',
};
const markerOf = (spec: { ContainerSpec?: { Env?: string[] } }) => spec.ContainerSpec?.Env?.[0] ?? '';
const pick = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)]!;
/**
 * Lets a person, a deploy and three alerts write the same service at the same moment, again and again. Every write is
 * seen on its way to the Engine, together with the state of the Swarm at that moment; what counts is found out from these
 * and not from what the program says of itself.
 */
export async function raceService(lab: Lab, image: string, rounds: number, races: Races): Promise<void> {
  const name = uniqueName('race');
  const plain = lab.engine();
  await request(plain, 'POST', '/services/create', { body: specOf(name, image) });
  const context = realContext({ env: environment });
  const settings = scalingSettings(environment, 'com.df.');
  const writes: Write[] = [];
  const watched = (by: Write['by']) => watchedEngine(lab, name, by, writes, races);
  try {
    await settled(plain, name);
    writes.push({ base: 0, ...seen((await findService(plain, name, context))!.Spec), by: 'deploy' });
    for (let round = 0; round < rounds; round++) {
      const id = `${name}-${round}`;
      const alerts = watched('alert');
      const jitter = () => pause(Math.random() * 40);
      const ask = async (
        wish: Wish,
        requestId: string,
        origin: ScaleRequest['origin'],
      ): Promise<ScaleResult | undefined> => {
        await jitter();
        const asked = { service: name, wish, origin, by: origin, id: requestId, alert: {} };
        const engine = origin === 'alert' ? alerts : watched('person');
        return scaleService(engine, asked, { settings, wait: 0 }, context).catch((error: unknown) => {
          races.failed.push(String(error));
          return undefined;
        });
      };
      const direction = pick(['up', 'down'] as const);
      const wish: Wish = { kind: 'step', direction };
      const results = await Promise.all([
        // Alertmanager tells at least once: two of the three are the same.
        ask(wish, `${id}-a`, 'alert'),
        ask(wish, `${id}-a`, 'alert'),
        ask({ kind: 'step', direction: pick(['up', 'down']) }, `${id}-b`, 'alert'),
        round % 2 === 0
          ? ask({ kind: 'number', replicas: pick([2, 3, 4, 5]) }, `${id}-p`, 'person')
          : jitter().then(() =>
              writeSpec(watched('person'), name, (spec) => scaledTo(spec, pick([2, 3, 4, 5])), races),
            ),
        ...(round % 3 === 0
          ? [jitter().then(() => writeSpec(watched('deploy'), name, (spec) => marked(spec, `RELEASE=${round}`), races))]
          : []),
      ]);
      const made = results.filter((result) => result?.verdict === 'scale');
      for (const each of [`${id}-a`, `${id}-b`]) {
        const count = made.filter((result) => result?.id === each).length;
        if (count > 1) races.doubled.push(`${each}: ${count} times`);
      }
      races.scaled += made.length;
      races.rounds++;
      await settled(plain, name);
    }
    checkChain(name, writes, races);
  } finally {
    await request(plain, 'DELETE', `/services/${name}`);
  }
}

const specOf = (name: string, image: string) => ({
  Name: name,
  Labels: { 'com.df.scaleMin': String(limits.minimum), 'com.df.scaleMax': String(limits.maximum) },
  TaskTemplate: {
    ContainerSpec: {
      Image: image,
      Command: ['sleep', '100000'],
      Env: ['RELEASE=none'],
      Init: true,
      StopGracePeriod: 500_000_000,
    },
  },
  Mode: { Replicated: { Replicas: 3 } },
  UpdateConfig: { Parallelism: 0, Order: 'start-first', Monitor: 300_000_000 },
  EndpointSpec: { Mode: 'dnsrr' },
});

const seen = (spec: ServiceSpec) => ({
  replicas: spec.Mode.Replicated!.Replicas!,
  marker: markerOf(spec.TaskTemplate as { ContainerSpec?: { Env?: string[] } }),
});

const scaledTo = (spec: ServiceSpec, replicas: number): ServiceSpec => ({
  ...spec,
  Mode: { Replicated: { Replicas: replicas } },
});

const marked = (spec: ServiceSpec, marker: string): ServiceSpec => ({
  ...spec,
  TaskTemplate: { ...spec.TaskTemplate, ContainerSpec: { ...spec.TaskTemplate.ContainerSpec!, Env: [marker] } },
});

/** As the docker client does it: read, change, write, and again when another was first. */
async function writeSpec(
  engine: Engine,
  name: string,
  change: (spec: ServiceSpec) => ServiceSpec,
  races: Races,
): Promise<undefined> {
  await updateService(engine, name, (live) => change(live.Spec), undefined, realContext()).catch((error: unknown) =>
    // Five others were first: it is told so, and nothing is lost.
    /CONFLICT/.test(String((error as { code?: string }).code)) ? undefined : races.failed.push(String(error)),
  );
  return undefined;
}

/** An Engine whose writes of the service are looked at before they are sent. */
function watchedEngine(lab: Lab, name: string, by: Write['by'], writes: Write[], races: Races): Docker {
  const engine = lab.engine();
  const plain = lab.engine();
  const dial = engine.modem.dial.bind(engine.modem) as (
    options: object,
    done: (error: unknown, answer: unknown) => void,
  ) => void;
  const replaced = (
    options: { method: string; path: string; options: { _query: { version: number }; _body: ServiceSpec } },
    done: (error: unknown, answer: unknown) => void,
  ) => {
    if (options.method !== 'POST' || !/^\/services\/.*\/update/.test(options.path)) return dial(options, done);
    const write: Write = { base: Number(options.options._query.version), ...seen(options.options._body), by };
    void wrongAt(plain, name, write).then(
      (wrong) =>
        dial(options, (error, answer) => {
          if (error) races.conflicts++;
          else writes.push({ ...write, ...(wrong === undefined ? {} : { wrong }) });
          done(error, answer);
        }),
      (error: unknown) => done(error, undefined),
    );
  };
  engine.modem.dial = replaced as never;
  return engine;
}

/** Whether a rollout is going on at this moment, told by Swarm's state and by what the tasks themselves run. */
async function wrongAt(engine: Docker, name: string, { base, by }: Write): Promise<string | undefined> {
  if (by === 'deploy') return undefined;
  const service = await request<Service>(engine, 'GET', `/services/${name}`);
  if (service.Version.Index !== base) return undefined;
  const state = service.UpdateStatus?.State ?? '';
  if (/^(updating|paused|rollback_started|rollback_paused)$/.test(state)) return state;
  const filters = { service: [name], 'desired-state': ['running'] };
  const tasks = await request<Task[]>(engine, 'GET', '/tasks', { query: { filters } });
  const { marker } = seen(service.Spec);
  const old = tasks.filter(({ Spec }) => markerOf(Spec as { ContainerSpec?: { Env?: string[] } }) !== marker);
  return old.length > 0 ? `${old.length} tasks of the release before` : undefined;
}

/**
 * Each write was made on the version that it was decided on, so in the order of their versions they must follow from each
 * other: a scale keeps the release, and a deploy the number of replicas, of the write before.
 */
function checkChain(name: string, writes: Write[], races: Races): void {
  const ordered = [...writes].sort((a, b) => a.base - b.base);
  races.writes += ordered.length - 1;
  ordered.slice(1).forEach((write, index) => {
    const before = ordered[index]!;
    const what = `${name}: ${write.by} at version ${write.base}`;
    if (write.by === 'deploy' ? write.replicas !== before.replicas : write.marker !== before.marker)
      races.lost.push(what);
    if (write.by === 'alert' && Math.abs(write.replicas - before.replicas) !== 1)
      races.lost.push(`${what}: not one step`);
    if (write.by === 'alert' && (write.replicas < limits.minimum || write.replicas > limits.maximum))
      races.outside.push(`${what}: ${write.replicas}`);
    // Who uses the docker client knows what he does; ours must not.
    if (write.by === 'alert' && write.wrong !== undefined) races.duringRollout.push(`${what}: ${write.wrong}`);
  });
}

/** Waits until the service is as it is wanted. */
async function settled(engine: Docker, name: string): Promise<void> {
  const end = performance.now() + 60_000;
  while (performance.now() < end) {
    const service = await request<Service>(engine, 'GET', `/services/${name}`);
    const tasks = await request<Task[]>(engine, 'GET', '/tasks', {
      query: { filters: { service: [name], 'desired-state': ['running'] } },
    });
    const { marker, replicas } = seen(service.Spec);
    const running = tasks.filter(
      ({ Status, Spec }) =>
        Status.State === 'running' && markerOf(Spec as { ContainerSpec?: { Env?: string[] } }) === marker,
    );
    const state = service.UpdateStatus?.State;
    if (running.length === replicas && tasks.length === replicas && (!state || state === 'completed')) return;
    await pause(100);
  }
  throw new Error(`${name} did not settle`);
}
