import { agentHeader, type EngineName } from '../../common/bundle';
import { metricsText, type Family } from '../../common/metrics';
import { parseReport } from '../agents';
import type { Controller } from '../controller';
import type { PeopleDesk } from '../../people/desk';
import type { Listener, View } from '../listener/listener';
import { Refusal } from '../../common/refusal';
import { jsonAnswer, plainAnswer, readJson, type Answer } from './answer';
import type { Polls } from './polls';
import { certificateRoutes } from './certificates';
import { pageRoutes, type PageParts } from './page';
import type { Call, Route } from './server';
import { slackRoutes } from './slack';

export interface RouteParts {
  controller: Controller;
  polls: Polls;
  listener: Listener;
  /** Sees to it that what is answered is not older than about a second, where the Swarm can be read. */
  fresh(): Promise<void>;
  /** From now on, for a while, it is looked which tasks run. */
  followTasks(): void;
  status(): object;
  metrics(): Family[];
  people?: PeopleDesk | undefined;
  page: PageParts;
  /** The listener's addresses need no token. */
  openListener: boolean;
}

const longestReport = 64 * 1024;
const longestWait = 60;
const instanceName = /^[A-Za-z0-9_.-]{0,128}$/;

/** All addresses of the controller. */
export function routes(parts: RouteParts): Route[] {
  const { controller } = parts;
  const reader = { method: 'GET', role: 'reader' } as const;
  return [
    { method: 'GET', path: '/v1/ping', handle: () => jsonAnswer({ status: 'OK' }) },
    { method: 'GET', path: '/v1/bundles/', role: 'agent', handle: (call) => bundle(parts, call) },
    { method: 'GET', path: '/v1/targets', role: 'agent', handle: (call) => targets(parts, call) },
    { method: 'PUT', path: '/v1/agents', role: 'agent', handle: (call) => report(parts, call) },
    {
      ...reader,
      path: '/v1/services',
      handle: async () => {
        await parts.fresh();
        return ready(parts, () => controller.services);
      },
    },
    {
      ...reader,
      path: '/v1/proxies',
      handle: () =>
        jsonAnswer(controller.agents.states(controller.bundles.list()).filter(({ engine }) => engine === 'haproxy')),
    },
    {
      ...reader,
      path: '/v1/monitoring',
      handle: async () => {
        await parts.fresh();
        return ready(parts, () => ({ engines: engineStates(controller), ...controller.monitoring.routed }));
      },
    },
    {
      ...reader,
      path: '/v1/status',
      handle: async () => {
        await parts.fresh();
        return jsonAnswer(parts.status());
      },
    },
    {
      ...reader,
      path: '/metrics',
      handle: () => plainAnswer(metricsText(parts.metrics()), 'text/plain; version=0.0.4; charset=utf-8'),
    },
    ...certificateRoutes(controller),
    ...listenerRoutes(parts),
    ...pageRoutes(parts.page, () => parts.followTasks()),
    ...(parts.people?.hears ? slackRoutes(parts.people) : []),
  ];
}

/** Agents of Prometheus and Alertmanager. */
const engineStates = ({ agents, bundles }: Controller) =>
  agents.states(bundles.list()).filter(({ engine }) => engine !== 'haproxy');

function ready(parts: RouteParts, document: () => unknown): Answer {
  if (!parts.controller.ready) throw new Refusal(503, 'the Swarm was not read yet', { 'Retry-After': '1' });
  return jsonAnswer(document());
}

async function bundle({ controller, polls }: RouteParts, { part, query, request, gone }: Call): Promise<Answer> {
  const instance = query.get('instance') ?? '';
  if (!instanceName.test(instance)) throw new Refusal(400, 'instance: letters, digits, _ . - are allowed');
  const wait = waitOf(query);
  if (!controller.ready) throw new Refusal(503, 'the Swarm was not read yet', { 'Retry-After': '1' });
  if (!isEngine(part)) throw new Refusal(404, 'there are no bundles for this engine');
  if (part !== 'haproxy' && instance !== '') throw new Refusal(400, `${part} has no instances`);
  if (!controller.bundles.get(part, instance)) {
    if (part === 'haproxy') controller.ask(instance);
    else controller.askMonitoring(part);
  }
  const agent = request.headers[agentHeader];
  if (typeof agent === 'string') controller.agents.touch(part, instance, agent);
  const of = controller.bundles.polled(part, instance);
  const answer = await polls.answer({ of, have: query.get('have') ?? '', wait }, gone);
  if (answer.status === 304 && !of.current())
    throw new Refusal(503, 'there is no bundle for this instance yet', { 'Retry-After': '1' });
  return answer;
}

/** In the form of Prometheus' http_sd; who says what he has waits for something else. */
async function targets({ controller, polls, followTasks }: RouteParts, { query, gone }: Call): Promise<Answer> {
  const wait = waitOf(query);
  followTasks();
  controller.askMonitoring('prometheus');
  const of = controller.monitoring.targets;
  const answer = await polls.answer({ of, have: query.get('have') ?? '', wait }, gone);
  if (answer.status === 304 && !of.current())
    throw new Refusal(503, 'the tasks were not read yet', { 'Retry-After': '1' });
  return answer;
}

const isEngine = (name: string): name is EngineName => (engines as readonly string[]).includes(name);
const engines: readonly EngineName[] = ['haproxy', 'prometheus', 'alertmanager'];

/** Milliseconds. */
function waitOf(query: URLSearchParams): number {
  const seconds = query.get('wait') ?? '0';
  if (!/^\d{1,4}(\.\d{1,3})?$/.test(seconds)) throw new Refusal(400, 'wait is not a number of seconds');
  return Math.min(Number(seconds), longestWait) * 1000;
}

async function report({ controller }: RouteParts, { request }: Call): Promise<Answer> {
  const parsed = parseReport(await readJson(request, longestReport));
  if ('problem' in parsed) throw new Refusal(400, parsed.problem);
  await controller.report(parsed.report);
  return { status: 204 };
}

/** As docker-flow-swarm-listener has them; it looks at no method, but a change by GET is all that anybody sends. */
function listenerRoutes(parts: RouteParts): Route[] {
  const { controller, listener, openListener } = parts;
  const access = openListener ? {} : { role: 'reader' as const };
  const route = (name: string, handle: () => Answer | Promise<Answer>): Route => ({
    method: 'GET',
    path: `/v1/docker-flow-swarm-listener/${name}`,
    ...access,
    handle,
  });
  const view = async (): Promise<View> => {
    await parts.fresh();
    const found = viewOf(controller);
    if (!found) throw new Refusal(503, 'the Swarm was not read yet', { 'Retry-After': '1' });
    return found;
  };
  return [
    route('ping', () => jsonAnswer({ Status: 'OK' })),
    route('get-services', async () => jsonAnswer(await listener.listServices(await view()))),
    route('get-nodes', async () => jsonAnswer(listener.listNodes(await view()))),
    route('notify-services', () => {
      listener.notifyAll();
      return jsonAnswer({ Status: 'OK' });
    }),
  ];
}

/** The Swarm as the last pass saw it. */
export function viewOf({ listing, services }: Controller): View | undefined {
  if (!listing) return undefined;
  const strangers = new Set(services.filter(({ state }) => state === 'ignored').map(({ name }) => name));
  return { listing, takesPart: (service) => !strangers.has(service) };
}
