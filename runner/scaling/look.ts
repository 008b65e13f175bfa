import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { listRules } from '../people/standing-rules';
import { stackLease } from '../swarm/lease';
import { listTasks, type ObservedTask } from '../swarm/services';
import { listRecords, readRecord, recordName } from '../swarm/store';
import { stackOf, wantedReplicas, type Service } from '../swarm/types';
import { askAboutService, type AlertmanagerFacts } from './alertmanager';
import { madeChanges, readHistory, type RecordedChange, type RecordedDecision } from './history';
import { listHolds } from './holds';
import { limitsFor } from './limits';
import type { Facts, Live, ScaleRequest } from './model';
import { fingerprintOf } from './request';
import type { ScalingSettings } from './settings';

/** What a decision is made from, with the parts of the history that it does not need. */
export interface Looked {
  facts: Facts;
  changes: RecordedChange[];
  others: RecordedDecision[];
}

export interface LookOptions {
  request: ScaleRequest;
  settings: ScalingSettings;
  /** What Alertmanager said. */
  alertmanager: AlertmanagerFacts;
  /** The stack's lease is in our hands, so nobody who lives rolls it out. */
  leased: boolean;
}

/** Looks at all that counts for a service that was just read. */
export async function look(
  engine: Engine,
  service: Service,
  { request, settings, alertmanager, leased }: LookOptions,
  context: Context,
): Promise<Looked> {
  const { Name: name, Labels: labels = {} } = service.Spec;
  const stack = stackOf(service);
  const [tasks, history, holds, rules, rollout] = await Promise.all([
    listTasks(engine, [service.ID], context),
    readHistory(engine, name, context),
    listHolds(engine, context, { service: name }),
    listRules(engine, context, { service: name }),
    rolloutOf(engine, stack, leased, context),
  ]);
  const { limits, forbidden } = limitsFor(name, labels, settings);
  const live: Live = { ...liveOf(service, tasks), rollout, forbidden };
  const changes = madeChanges(history, live);
  const firing = alertmanager.firing;
  return {
    facts: {
      now: context.clock.now().getTime(),
      live,
      limits,
      changes,
      holds: [...holds, ...alertmanager.silences],
      rules: rules.map(({ direction, upTo, until, author }) => ({ direction, upTo, author, until: Date.parse(until) })),
      request: firing === undefined ? request : { ...request, alert: { ...request.alert, firing } },
    },
    changes,
    others: history.others,
  };
}

/** Silences, and whether the alert still fires. */
export const askFor = ({ service, id }: ScaleRequest, settings: ScalingSettings, context: Context) =>
  askAboutService(settings.alertmanager, service, fingerprintOf(id), context);

/** The service as its spec and its tasks tell it. */
export function liveOf(service: Service, tasks: ObservedTask[]): Omit<Live, 'rollout' | 'forbidden'> {
  const { Spec, Version, UpdateStatus } = service;
  const wanted = tasks.filter(({ DesiredState }) => DesiredState === 'running');
  const running = wanted.filter(({ upToDate, Status }) => upToDate && Status.State === 'running');
  return {
    service: Spec.Name,
    stack: stackOf(service),
    mode: Spec.Mode.Replicated ? 'replicated' : Spec.Mode.Global ? 'global' : 'job',
    version: Version.Index,
    replicas: wantedReplicas(Spec) ?? 0,
    // Slots, not tasks: Swarm may for a while run two in one slot.
    running: new Set(running.map(({ Slot, ID }) => Slot ?? ID)).size,
    outdated: wanted.filter(({ upToDate }) => !upToDate).length,
    update: UpdateStatus?.State ?? '',
  };
}

/** Who rolls the stack out: the holder of its lease, or a rollout that a dead one has left unfinished. */
async function rolloutOf(
  engine: Engine,
  stack: string,
  leased: boolean,
  context: Context,
): Promise<string | undefined> {
  const [open, lease] = await Promise.all([
    listRecords<{ number: number }>(engine, { kind: 'rollout', stack, state: 'deploying' }, context),
    leased ? undefined : readRecord<object>(engine, recordName('lease', stackLease(stack)), context),
  ]);
  if (lease && lease.labels.brief === undefined)
    return `${lease.labels.what} of ${stack} by ${lease.labels.where} since ${lease.labels.since}`;
  const [first] = open;
  if (!first) return undefined;
  return leased
    ? `${leftRollout(first.data.number, stack)}; homeostat status settles it`
    : `rollout ${first.data.number} of ${stack}`;
}

const leftRollout = (number: number, stack: string) =>
  `rollout ${number} of ${stack} was left unfinished by a runner that died`;
