import { formatDuration } from '../common/duration';
import { withinBounds, type Aim, type Bounds } from './decide-target';
import type { Change, Direction, Facts, GuardName } from './model';

/** A request that is older than this, in milliseconds, speaks of a load that may be over. */
export const oldestRequest = 600_000;
/** A step of the same alert counts as the same request for at least this long. */
const shortestRepeat = 10_000;

/** The facts with what follows from them. */
export interface View extends Facts {
  aim: Aim;
  bounds: Bounds;
}

/** What a guard sees: a reason to stop (`none`: nothing is to be done; `ask`: a person has to decide), or all is well. */
export interface Finding {
  stops: false | true | 'none' | 'ask';
  text: string;
}

const passes = (text: string): Finding => ({ stops: false, text });
const stops = (text: string): Finding => ({ stops: true, text });

export const replicasText = (count: number) => `${count} replica${count === 1 ? '' : 's'}`;
const tasksText = (count: number) => `${count} task${count === 1 ? '' : 's'}`;

/** Whether the service may be scaled at all. */
function service({ live: { mode, replicas, forbidden }, request, aim }: View): Finding {
  if (mode === 'global') return stops('it is global: it has one task on each node, so the number of nodes decides');
  if (mode === 'job') return stops('it is a job, whose tasks end by themselves');
  if (forbidden !== undefined) return stops(forbidden);
  if (replicas === 0 && request.origin === 'alert')
    return stops('it is switched off (0 replicas); only a person switches it on again');
  if (aim.direction === undefined) return { stops: 'none', text: `it has ${replicasText(replicas)} already` };
  return passes(`it has ${replicasText(replicas)}, and may be scaled`);
}

/** Paused by label, held by a person, or silenced in Alertmanager. */
function hold({ now, limits: { paused }, holds, aim: { direction } }: View): Finding {
  if (paused === 'all' || (paused !== 'none' && paused === direction))
    return stops(`its label scalePaused says ${paused}`);
  const found = holds.find(({ only, until }) => until > now && (only === undefined || only === direction));
  if (!found) return passes('nobody holds it');
  const what = found.source === 'silence' ? 'it is silenced in Alertmanager' : 'it is held';
  const until = found.until === Infinity ? '' : ` until ${timeText(found.until)}`;
  return stops(`${what}${until} by ${found.by}: ${found.reason}`);
}

const timeText = (time: number) => new Date(time).toISOString().slice(0, 16).replace('T', ' ') + ' UTC';

const updatesUnderWay = ['updating', 'paused', 'rollback_started', 'rollback_paused'];

/** A write amid a rollout would make Swarm's rollback point the bad release, and hide the rollout's state. */
function rollout({ live: { update, outdated, rollout: who } }: View): Finding {
  if (who !== undefined) return stops(`a rollout is going on: ${who}`);
  if (updatesUnderWay.includes(update)) return stops(`a rollout is not over: Swarm says ${update}`);
  if (outdated > 0) return stops(`a rollout is going on: ${tasksText(outdated)} of the spec before`);
  return passes('no rollout is going on');
}

function pending({ live: { replicas, running } }: View): Finding {
  if (running < replicas) return stops(`only ${running} of its ${replicasText(replicas)} run, and those come first`);
  return passes(replicas === 0 ? 'it has no tasks' : `all its ${tasksText(replicas)} run`);
}

/** Whether the alert still says what it said. */
function alert({ now, limits, request: { origin, alert: about }, aim: { direction } }: View): Finding {
  if (origin !== 'alert') return passes('a person asks, not an alert');
  if (about.firing === false) return stops('the alert no longer fires');
  if (about.sentAt !== undefined && now - about.sentAt > oldestRequest)
    return stops(`the alert was sent ${formatDuration(now - about.sentAt)} ago, and the load may be another now`);
  const stable = limits.stabilization[direction!];
  if (about.since !== undefined && now - about.since < stable)
    return stops(
      `the alert fires for ${formatDuration(now - about.since)} of the ${formatDuration(stable)} that it has to`,
    );
  return passes(about.firing ? 'the alert fires' : 'nothing says that the alert is over');
}

/** Alertmanager tells at least once. An alert that goes on may ask for its next step after the cooldown. */
function repeat({ now, changes, limits, request: { id, wish }, aim: { direction } }: View): Finding {
  const done = id === undefined ? undefined : changes.find((change) => change.id === id);
  if (!done) return passes(id === undefined ? 'it has no id to be known again by' : 'it was not carried out before');
  const again = Math.max(afterSlack(limits.cooldown[direction!]), shortestRepeat);
  if (wish.kind === 'step' && now - done.at >= again) return passes('it goes on since it was carried out');
  return stops(`it was carried out ${ago(now, done.at)}: ${done.from} → ${done.to}`);
}

const ago = (now: number, at: number) => `${formatDuration(Math.max(0, now - at))} ago`;

/**
 * Alertmanager counts its repeats from when it told, and a change comes a little later: a cooldown that is over but for
 * this much counts as over.
 */
const afterSlack = (cooldown: number) => cooldown - Math.min(2000, cooldown / 10);

/** Any change starts the cooldown of both directions; a service that was scaled down too early stays up for a while. */
function cooldown({ now, changes, limits, request: { origin }, aim: { direction } }: View): Finding {
  if (origin !== 'alert') return passes('a person need not wait');
  const [last] = changes;
  if (!last) return passes('no change is known of');
  const wait = limits.cooldown[direction!];
  const what = `it was scaled ${last.from} → ${last.to} ${ago(now, last.at)}`;
  if (now - last.at < afterSlack(wait))
    return stops(`${what}; ${direction} waits ${formatDuration(wait)} after a change`);
  const flap = direction === 'down' ? lastFlap(changes) : undefined;
  if (flap && now - flap.at < limits.flapWindow)
    return stops(
      `it was scaled down and up again ${ago(now, flap.at)}, so it stays up for ${formatDuration(limits.flapWindow)}`,
    );
  return passes(what);
}

const directionOf = ({ from, to }: Change): Direction => (to > from ? 'up' : 'down');

/** The newest change up that followed one down. */
function lastFlap(changes: readonly Change[]): Change | undefined {
  return changes.find(
    (change, index) =>
      directionOf(change) === 'up' && changes[index + 1] !== undefined && directionOf(changes[index + 1]!) === 'down',
  );
}

/** Goes beyond a limit only by a standing rule or a person's answer. */
function limit(view: View): Finding {
  const { live, bounds, request, aim } = view;
  const { minimum, maximum } = bounds;
  const range = `${minimum} to ${maximum}${bounds.widened.length > 0 ? ', by a standing rule' : ''}`;
  if (request.origin === 'answer') return passes(`a person has decided to go to ${aim.wanted}`);
  const outside = aim.direction === 'up' ? aim.wanted > maximum : aim.wanted < minimum;
  if (!outside) return passes(`${aim.wanted} is within its limits (${range})`);
  const bound = aim.direction === 'up' ? `maximum of ${maximum}` : `minimum of ${minimum}`;
  if (request.origin === 'person') return stops(`${aim.wanted} is beyond its ${bound}`);
  if (withinBounds(aim, live.replicas, bounds) !== live.replicas) return passes(`it goes as far as its ${bound}`);
  const text = `it is at its ${bound}, with ${replicasText(live.replicas)}`;
  return { stops: aim.direction === 'up' ? 'ask' : true, text };
}

/** The guards in the order in which they count. */
export const guardsInOrder: [GuardName, (view: View) => Finding][] = [
  ['service', service],
  ['hold', hold],
  ['rollout', rollout],
  ['pending', pending],
  ['alert', alert],
  ['repeat', repeat],
  ['cooldown', cooldown],
  ['limit', limit],
];
