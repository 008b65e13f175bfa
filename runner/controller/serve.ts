import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { fail, messageOf } from '../common/errors';
import { counter, type Family } from '../common/metrics';
import { PeopleDesk } from '../people/desk';
import type { Executors } from '../people/execute';
import { decideQuestion } from '../people/questions';
import type { PeopleSettings } from '../people/settings';
import type { NodeFacts } from '../swarm/facts';
import { ClusterStory } from './cluster-story';
import type { ClusterView } from './cluster-troubles';
import { Controller, type Certificates, type ControllerSettings } from './controller';
import { EventFollower } from './follow-events';
import { TaskFollower } from './follow-tasks';
import type { Access } from './http/access';
import { Polls } from './http/polls';
import { routes, viewOf } from './http/routes';
import { createServer } from './http/server';
import { Listener } from './listener/listener';
import type { ListenerSettings } from './listener/settings';
import { OwnSecrets } from './own-secrets';
import { PageDesk } from './page/desk';
import { Passes } from './passes';
import { metricFamilies, PassStory, statusDocument } from './status';
import { ClusterNotices } from './tell-people';

export interface ServeOptions {
  host: string;
  port: number;
  access: Access;
  tls?: { certificate: string; key: string };
  settings: ControllerSettings;
  listener: ListenerSettings;
  /** The addresses of docker-flow-swarm-listener need no token. */
  openListener: boolean;
  certificates?: Certificates;
  /** Where people are told and asked; without it nobody is. */
  people?: { settings: PeopleSettings; executors: Executors };
  /** Address of the Alertmanager whose alerts the page tells. */
  alertmanager?: string | undefined;
}

export interface RunningController {
  /** Where it listens. */
  address: string;
  controller: Controller;
  /** Resolves after a pass that began from now on. */
  pass(): Promise<void>;
  /** Answers those who wait, and ends within five seconds. */
  close(): Promise<void>;
}

/** Milliseconds that an answer about services may be old, and that a pass is waited for. */
const freshFor = 1000;
/** A look at what is due costs nothing; a new service should not wait for its certificate. */
const renewalInterval = 5000;

/**
 * Starts the controller: listens, follows the Swarm, and makes passes until it is closed.
 * @throws CONTROLLER_LISTEN
 */
export async function serve(engine: Engine, options: ServeOptions, outer: Context): Promise<RunningController> {
  const ending = new AbortController();
  const context = { ...outer, signal: AbortSignal.any([outer.signal, ending.signal]) };
  const controller = new Controller(engine, options.settings, context, options.certificates);
  const story = new PassStory(context);
  const cluster = new ClusterStory(controller, engine, context);
  let lastPass = -Infinity;
  const passes: Passes = new Passes({
    clock: context.clock,
    signal: context.signal,
    pass: async (cause) => {
      const published = await story.measure(() => controller.pass());
      lastPass = context.clock.monotonic();
      // A change that no event has told of: the stream is not what it should be.
      if (cause === 'time' && published) events.renew();
      if (cause === 'change') tasks.soon();
      const view = viewOf(controller);
      if (view) listener.update(view);
      if (view) await secrets.look(view.listing.secrets);
      if (view) notices?.look(clusterView(controller, view.listing.nodes));
    },
    failed: (error) => story.failed(error),
    recovered: (failures) => story.recovered(failures),
  });
  const notices = options.people && new ClusterNotices(engine, context);
  const secrets = new OwnSecrets(engine, options.settings.secrets, context);
  const wake = () => passes.wake();
  controller.wake = wake;
  const events: EventFollower = new EventFollower(engine, context, wake, (event) => {
    cluster.told(event);
    if (event.type === 'config') people?.told();
  });
  const listener = new Listener(engine, options.settings.labels, options.listener, context, wake);
  const polls = new Polls();
  const people = options.people && new PeopleDesk(options.people.settings, options.people.executors, engine, context);
  const page = new PageDesk(controller, story, options.alertmanager, () => cluster.releaseNumbers, engine, context);
  const tasks = new TaskFollower(async () => {
    await cluster.look();
    page.look();
  }, context);
  const fresh = async () => {
    if (context.clock.monotonic() - lastPass < freshFor) return;
    const waited = new AbortController();
    const limit = context.clock.sleep(freshFor, waited.signal).catch(() => undefined);
    await Promise.race([passes.next(), limit]);
    waited.abort(new Error('done'));
  };
  const server = createServer({
    access: options.access,
    ...(options.tls ? { tls: options.tls } : {}),
    log: context.log,
    routes: routes({
      ...{ controller, polls, listener, fresh, people, openListener: options.openListener },
      followTasks: () => tasks.want(),
      page: {
        document: async () => {
          await fresh();
          return page.document();
        },
        answer: (id, answer) => decideQuestion(engine, id, answer, context),
      },
      status: () => statusDocument(controller, story, events, context.version),
      metrics: () => {
        tasks.want();
        return [
          ...metricFamilies(controller, story, events, polls.count),
          ...noticeFamilies(listener),
          ...cluster.families(),
          ...(people?.families() ?? []),
        ];
      },
    }),
  });
  await listen(server, options);
  const running = Promise.allSettled([
    ...[passes.run(), events.run(), tasks.run(), renew(controller, context)],
    people?.run(),
  ]);
  const { port } = server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  const close = async () => {
    ending.abort(new Error('the controller is being stopped'));
    polls.end();
    server.close();
    server.closeIdleConnections();
    await Promise.race([running, outer.clock.sleep(1500)]);
    server.closeAllConnections();
  };
  return {
    address: `http${options.tls ? 's' : ''}://${nameOf(options.host)}:${port}`,
    controller,
    pass: () => passes.next(),
    close: () => (closing ??= close()),
  };
}

const clusterView = (controller: Controller, nodes: NodeFacts[]): ClusterView => ({
  scope: controller.labels.notifyLabel,
  services: controller.services,
  nodes,
  certificates: controller.certificates?.states(controller.descriptions) ?? [],
});

async function listen(server: Server, { host, port }: ServeOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve);
  }).catch((error: unknown) =>
    fail('CONTROLLER_LISTEN', `cannot listen on ${host}:${port}`, { cause: messageOf(error) }),
  );
}

/** Orders and renews certificates now and then. */
async function renew(controller: Controller, { clock, signal, log }: Context): Promise<void> {
  const { certificates } = controller;
  while (certificates && !signal.aborted) {
    await clock.sleep(controller.ready ? renewalInterval : freshFor, signal).catch(() => undefined);
    if (signal.aborted || !controller.ready) continue;
    try {
      if (await certificates.renew(controller.descriptions)) controller.wake();
    } catch (error) {
      if (!signal.aborted) log.warn(`certificates could not be renewed: ${messageOf(error)}`);
    }
  }
}

function noticeFamilies({ services, nodes }: Listener): Family[] {
  const sum = (key: 'delivered' | 'dropped') => services.counts[key] + nodes.counts[key];
  return [
    counter('homeostat_notices_delivered_total', 'Notices that were taken.', sum('delivered')),
    counter('homeostat_notices_dropped_total', 'Notices that were given up after all tries.', sum('dropped')),
  ];
}

function nameOf(host: string): string {
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return name.includes(':') ? `[${name}]` : name;
}
