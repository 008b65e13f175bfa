import { fail } from '../common/errors';
import { Refusal } from '../labels/definition';
import { step } from '../labels/forms';
import type { AlertFacts, ScaleRequest, Wish } from './model';

/** Most replicas that anybody may ask for. */
const most = 10_000;
/** Names of services in a Swarm. */
const serviceName = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
const idShape = /^[\w.:@+/=-]{1,128}$/;
/** An alert's id: its fingerprint, and when it began to fire. */
const alertId = /^[0-9a-f]{16}@(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)$/;

/** The words of a request, as options or as a job's parameters. */
export interface RequestWords {
  service: string;
  scale: string;
  step?: string | undefined;
  id?: string | undefined;
  /** When the alert was sent: RFC 3339. */
  sentAt?: string | undefined;
}

/**
 * A request from its words; whatever they hold, they become nothing but numbers and names.
 * @throws USAGE_INVALID naming the word, its value and what is allowed
 */
export function parseRequest(words: RequestWords, origin: ScaleRequest['origin'], by: string): ScaleRequest {
  return {
    service: requireServiceName(words.service),
    wish: parseWish(words.scale, words.step),
    origin,
    by,
    ...(words.id === undefined
      ? {}
      : { id: matching('id', words.id, idShape, 'letters, digits and . _ : @ + / = -, at most 128') }),
    alert: alertFacts(words.id, words.sentAt),
  };
}

/** @throws USAGE_INVALID */
export const requireServiceName = (text: string): string =>
  matching('service', text, serviceName, 'the name of a service, such as shop_web');

function matching(key: string, value: string, shape: RegExp, allowed: string): string {
  return shape.test(value) ? value : refuse(key, value, allowed);
}

const refuse = (key: string, value: string, allowed: string): never =>
  fail('USAGE_INVALID', `${key} is '${value.slice(0, 80)}'; allowed is ${allowed}`);

function parseWish(scale: string, by: string | undefined): Wish {
  if (scale === 'up' || scale === 'down')
    return { kind: 'step', direction: scale, ...(by === undefined ? {} : { by: parseStep(by) }) };
  if (by !== undefined) refuse('by', by, 'nothing where scale is a number: it belongs to up and down');
  const [, sign, digits] = /^([+-]?)(\d{1,5})$/.exec(scale) ?? [];
  const number = Number(digits);
  if (digits === undefined || number > most || (sign && number === 0))
    return refuse('scale', scale, `up, down, a number from 0 to ${most}, or a difference such as +2 or -1`);
  if (!sign) return { kind: 'number', replicas: number };
  return { kind: 'difference', difference: sign === '-' ? -number : number };
}

function parseStep(text: string) {
  const value = step.read(text.replace(/^\+/, ''), ',');
  return value instanceof Refusal ? refuse('by', text, step.allowed) : value;
}

function alertFacts(id: string | undefined, sentAt: string | undefined): AlertFacts {
  const since = Date.parse(alertId.exec(id ?? '')?.[1] ?? '');
  const sent = sentAt === undefined ? undefined : Date.parse(sentAt);
  if (sentAt !== undefined && (!/^\d{4}-\d\d-\d\dT/.test(sentAt) || Number.isNaN(sent)))
    refuse('at', sentAt, 'a time such as 2026-01-31T12:00:00Z');
  return { ...(Number.isNaN(since) ? {} : { since }), ...(sent === undefined ? {} : { sentAt: sent }) };
}

/** Fingerprint of the alert that the id speaks of, or undefined. */
export const fingerprintOf = (id: string | undefined): string | undefined =>
  alertId.test(id ?? '') ? id!.slice(0, 16) : undefined;
