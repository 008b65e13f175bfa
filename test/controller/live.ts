import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import axios, { type AxiosInstance } from 'axios';
import type { Test } from 'tap';
import { systemClock, type Clock } from '../../runner/common/clock';
import type { Environment } from '../../runner/common/context';
import { connectEngine, request, type Engine } from '../../runner/common/engine';
import type { Bundle } from '../../runner/common/bundle';
import { Access } from '../../runner/controller/http/access';
import { listenerSettings } from '../../runner/controller/listener/settings';
import type { ServiceState } from '../../runner/controller/model';
import { serve, type RunningController, type ServeOptions } from '../../runner/controller/serve';
import { controllerSettings } from '../../runner/controller/settings';
import type { Service } from '../../runner/swarm/types';
import { uniqueName, type Lab } from '../lab';
import { realContext } from '../lab/context';

export const tokens = {
  agent: 'agent-token-of-the-tests',
  reader: 'reader-token-of-the-tests',
  writer: 'writer-token-of-the-tests',
};

/** A part of a Swarm that is the test's own: a network for the proxy and a label by which its services take part. */
export class Site {
  readonly label = uniqueName('part');
  readonly network = uniqueName('proxy');
  readonly engine: Engine;
  private readonly names = new Set<string>();

  constructor(
    readonly lab: Lab,
    readonly node = 1,
  ) {
    this.engine = lab.engine(node);
  }

  async prepare(t: Pick<Test, 'teardown'>): Promise<this> {
    await request(this.engine, 'POST', '/networks/create', { body: { Name: this.network, Driver: 'overlay' } });
    t.teardown(async () => {
      for (const name of this.names) await this.remove(name);
      await request(this.engine, 'DELETE', `/networks/${this.network}`).catch(() => undefined);
      for (const label of [`scope=${this.label}`, `subject=services ${this.label}`, `subject=nodes ${this.label}`]) {
        const filters = { label: [`com.homeostat.${label}`] };
        for (const { ID } of await request<{ ID: string }[]>(this.engine, 'GET', '/configs', { query: { filters } }))
          await request(this.engine, 'DELETE', `/configs/${ID}`).catch(() => undefined);
      }
    });
    return this;
  }

  /** A service that is a spec and nothing more: no node may run its tasks, unless it has an image. */
  async create(
    name: string,
    labels: Record<string, string>,
    more: { replicas?: number; network?: string | null; image?: string } = {},
  ): Promise<void> {
    this.names.add(name);
    const { replicas = 1, network = this.network, image } = more;
    await request(this.engine, 'POST', '/services/create', {
      body: {
        Name: name,
        Labels: { [this.label]: 'true', ...labels },
        TaskTemplate: {
          ContainerSpec: { Image: image ?? 'nowhere/nothing', Command: ['sleep', '1000'], StopGracePeriod: 0 },
          Networks: network ? [{ Target: network }] : [],
          ...(image ? {} : { Placement: { Constraints: ['node.labels.nowhere==true'] } }),
        },
        Mode: { Replicated: { Replicas: replicas } },
        EndpointSpec: { Mode: 'dnsrr' },
      },
    });
  }

  /** Replaces the labels; with undefined they stay. */
  async update(name: string, labels: Record<string, string> | undefined, replicas?: number): Promise<void> {
    for (let tries = 1; ; tries++) {
      const { ID, Version, Spec } = await request<Service>(this.engine, 'GET', `/services/${name}`);
      const body = {
        ...Spec,
        ...(labels ? { Labels: { [this.label]: 'true', ...labels } } : {}),
        ...(replicas === undefined ? {} : { Mode: { Replicated: { Replicas: replicas } } }),
      };
      try {
        await request(this.engine, 'POST', `/services/${ID}/update`, { query: { version: Version.Index }, body });
        return;
      } catch (error) {
        if (tries > 5) throw error;
      }
    }
  }

  async remove(name: string): Promise<void> {
    await request(this.engine, 'DELETE', `/services/${name}`).catch(() => undefined);
    this.names.delete(name);
  }

  /** Options of the command line that make a controller look at this site only. */
  environment(): Record<string, string> {
    return { HOMEOSTAT_PROXY_NETWORKS: this.network, HOMEOSTAT_NOTIFY_LABEL: this.label };
  }
}

export interface LiveController extends RunningController {
  agent: AxiosInstance;
  reader: AxiosInstance;
  written: () => string;
  bundle(): Promise<Bundle>;
  state(name: string): Promise<ServiceState | undefined>;
}

export const clientOf = (baseURL: string, token?: string): AxiosInstance =>
  axios.create({
    baseURL,
    proxy: false,
    validateStatus: () => true,
    ...(token ? { headers: { Authorization: `Bearer ${token}` } } : {}),
  });

/** A controller in this process. */
export async function startController(
  t: Pick<Test, 'teardown'>,
  site: Site,
  more: {
    env?: Environment;
    dockerHost?: string;
    clock?: Clock;
    secrets?: string;
    openListener?: boolean;
    port?: number;
    people?: ServeOptions['people'];
  } = {},
): Promise<LiveController> {
  const secrets = more.secrets ?? mkdtempSync(path.join(tmpdir(), 'homeostat-secrets-'));
  const stop = new AbortController();
  const env = {
    DOCKER_HOST: more.dockerHost ?? site.lab.dockerHost(site.node),
    HOMEOSTAT_PROXY_NETWORKS: site.network,
    ...more.env,
  };
  const context = realContext({ env, clock: more.clock ?? systemClock, signal: stop.signal });
  const running = await serve(
    connectEngine(context),
    {
      ...{
        host: '127.0.0.1',
        port: more.port ?? 0,
        access: new Access(tokens),
        openListener: more.openListener ?? false,
      },
      settings: await controllerSettings({ prefix: 'com.df.', notifyLabel: site.label, secrets }, context),
      listener: await listenerSettings(secrets, context),
      ...(more.people ? { people: more.people } : {}),
    },
    context,
  );
  t.teardown(async () => {
    await running.close();
    rmSync(secrets, { recursive: true, force: true });
  });
  const reader = clientOf(running.address, tokens.reader);
  const agent = clientOf(running.address, tokens.agent);
  return {
    ...running,
    ...{ agent, reader, written: context.written },
    bundle: async () => (await agent.get<Bundle>('/v1/bundles/haproxy')).data,
    state: async (name) =>
      (await reader.get<ServiceState[]>('/v1/services')).data.find((service) => service.name === name),
  };
}

/** Waits for something to be so, and answers with the milliseconds it took. */
export async function eventually(condition: () => boolean | Promise<boolean>, limit = 10_000): Promise<number> {
  const start = performance.now();
  for (;;) {
    if (await condition()) return performance.now() - start;
    if (performance.now() - start > limit) throw new Error(`it is not so after ${limit} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A clock that runs so many times faster than others. */
export const fastClock = (times: number): Clock => ({
  now: () => new Date(),
  monotonic: () => systemClock.monotonic() * times,
  sleep: (milliseconds, signal) => systemClock.sleep(milliseconds / times, signal),
});

/** Whether a text is anywhere in the published bundle. */
export const hasRoute = (text: string) => async (live: { bundle(): Promise<{ files?: Record<string, string> }> }) =>
  JSON.stringify((await live.bundle()).files ?? {}).includes(text);
