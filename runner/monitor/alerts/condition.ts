import { nearest } from '../../common/suggest';
import { argumentsOf, fill, type CustomShortcut } from './custom';
import { promDuration } from './promql-text';
import { problemOfPromql } from './promql';
import { literal } from './quote';
import { calm, type Scope, type Shortcut, type ShortcutContext } from './shortcut';
import { shortcuts } from './shortcuts';

export interface ConditionContext extends ShortcutContext {
  /** Name of the alert. */
  alert: string;
  customShortcuts: Record<string, CustomShortcut>;
}

/** What a condition as written becomes. Annotations are templates of Prometheus. */
export interface Condition {
  expression: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  severity: string;
}

interface Part extends Condition {
  scope?: Scope;
  /** What stands before it: and, or, unless. */
  operator?: string;
}

/**
 * The PromQL of an `alertIf`: as it is, from a shortcut (`@name:value,value`), or from several with `_and_`, `_or_`,
 * `_unless_` between them.
 * @returns also why there is none, as the end of "alertIf …"
 */
export function readCondition(written: string, context: ConditionContext): Condition | { problem: string } {
  const text = written.trim();
  if (!text.startsWith('@')) return plain(text, context);
  const [first, ...others] = text.split(/_(and|or|unless)_(?=@)/);
  const head = readShortcut(first!, context);
  if ('problem' in head) return head;
  if (others.length === 0) return head;
  const parts: Part[] = [head];
  let expression = `(${head.expression})`;
  for (let index = 0; index < others.length; index += 2) {
    const part = readShortcut(others[index + 1]!, context);
    if ('problem' in part) return part;
    expression += ` ${others[index]} ${matching(parts.at(-1)!, part)}(${part.expression})`;
    parts.push({ ...part, operator: others[index]! });
  }
  return {
    expression,
    // As with Docker Flow: who should get it is for the service to say.
    labels: {},
    annotations: joined(parts),
    severity: parts.some(({ severity }) => severity === 'critical') ? 'critical' : 'warning',
  };
}

/** Series of different kinds have no labels in common, so that nothing would ever match. */
function matching(left: Part, right: Part): string {
  if (left.scope === undefined || right.scope === undefined) return '';
  return left.scope === 'node' && right.scope === 'node' ? 'on (instance, node) ' : 'on () ';
}

function joined(parts: Part[]): Record<string, string> {
  const annotations: Record<string, string> = {};
  for (const { operator, annotations: own } of withOneValue(parts))
    for (const [name, value] of Object.entries(own)) {
      const before = annotations[name];
      if (before === undefined) annotations[name] = value;
      else if (before !== value)
        annotations[name] = name === 'runbook' ? `${before} ${value}` : `${before} ${operator} ${value}`;
    }
  return annotations;
}

/** Tells only the value that Prometheus hands on: `and` and `unless` keep that of what stands before them. */
function withOneValue(parts: Part[]): Part[] {
  const tellsValue = ({ annotations }: Part) => annotations.description?.includes('$value');
  const isHandedOn = ({ operator }: Part) => operator === undefined || operator === 'or';
  const told = new Set(
    parts.filter((part) => isHandedOn(part) && tellsValue(part)).map((part) => part.annotations.description),
  );
  return parts.map((part) => {
    if (!tellsValue(part)) return part;
    const { description, ...others } = part.annotations;
    if (!isHandedOn(part)) return { ...part, annotations: others };
    return { ...part, annotations: { ...others, description: told.size === 1 ? description! : anyValue } };
  });
}

const anyValue = 'The value is {{ $value | humanize }}.';

function plain(text: string, { alert, service }: ConditionContext): Condition | { problem: string } {
  const problem = problemOfPromql(text);
  if (problem !== undefined) return { problem };
  const shown = text.length > 300 ? `${text.slice(0, 300)}…` : text;
  return {
    expression: text,
    labels: {},
    annotations: {
      summary: `${service}: ${alert}`,
      description: `${literal(shown)} holds; the value is {{ $value | humanize }}.`,
      runbook: `See what the service does: homeostat status, docker service logs ${service}.`,
    },
    severity: 'warning',
  };
}

function readShortcut(written: string, context: ConditionContext): Part | { problem: string } {
  const at = written.indexOf(':');
  const name = (at === -1 ? written : written.slice(0, at)).slice(1).trim();
  const values =
    at === -1 || written.slice(at + 1).trim() === ''
      ? []
      : written
          .slice(at + 1)
          .split(',')
          .map((value) => value.trim());
  if (Object.hasOwn(context.customShortcuts, name))
    return custom(name, context.customShortcuts[name]!, values, context);
  if (Object.hasOwn(shortcuts, name)) return usual(name, shortcuts[name]!, values, context);
  const match = nearest(name.slice(0, 100), [...Object.keys(context.customShortcuts), ...Object.keys(shortcuts)]);
  return {
    problem: `has the shortcut '@${name.slice(0, 60)}', which is not known${match ? ` (did you mean '@${match}'?)` : ''}`,
  };
}

const kinds: Record<Shortcut['arguments'][number]['kind'], { holds: (text: string) => boolean; allowed: string }> = {
  number: { holds: (text) => isNumber(text), allowed: 'a number, such as 0.5' },
  ratio: {
    holds: (text) => isNumber(text) && Number(text) >= 0 && Number(text) <= 1,
    allowed: 'a share from 0 to 1, such as 0.8',
  },
  duration: {
    holds: (text) => isTime(text),
    allowed: 'a time as Prometheus writes it, such as 5m',
  },
};

const isTime = (text: string) => {
  const time = promDuration(text) ?? 0;
  return time > 0 && time <= 366 * 86_400_000 && text.length <= 20;
};

const isNumber = (text: string) => /^(?:\d{1,15}(?:\.\d{1,15})?|\.\d{1,15})(?:[eE][+-]?\d{1,2})?$/.test(text);

function usual(
  name: string,
  shortcut: Shortcut,
  given: string[],
  context: ConditionContext,
): Part | { problem: string } {
  const wanted = shortcut.arguments;
  const required = wanted.filter((each) => each.default === undefined).length;
  if (given.length < required || given.length > wanted.length)
    return { problem: wrongCount(name, shortcut, given.length) };
  for (const [index, value] of given.entries()) {
    const { holds, allowed } = kinds[wanted[index]!.kind];
    if (!holds(value))
      return { problem: `gives @${name} '${value.slice(0, 40)}' as ${wanted[index]!.name}; it must be ${allowed}` };
  }
  const values = wanted.map((each, index) => given[index] ?? each.default!);
  const expression = shortcut.expression(context, ...values);
  const shown = values.map((value, index) =>
    wanted[index]!.kind === 'ratio' ? `${Number((Number(value) * 100).toPrecision(12))} %` : value,
  );
  const filled = (text: string) => text.replace(/\{(\d)\}/g, (_, index: string) => shown[Number(index)]!);
  return {
    expression: shortcut.inRollout || shortcut.scope === 'node' ? expression : calm(expression, context.service),
    labels: { receiver: 'system', ...shortcut.labels },
    annotations: {
      summary: `${context.service}: ${filled(shortcut.measures)} is ${filled(shortcut.bound)}`,
      description: `Now it is ${valueTemplates[shortcut.value]}.`,
      runbook: shortcut.runbook,
    },
    severity: shortcut.severity,
    scope: shortcut.scope,
  };
}

const valueTemplates: Record<Shortcut['value'], string> = {
  ratio: '{{ $value | humanizePercentage }}',
  seconds: '{{ $value | humanizeDuration }}',
  number: '{{ $value | humanize }}',
  cores: '{{ $value | humanize }} cores',
};

/** As the reference writes it: `@resp_time_above:SECONDS,WINDOW,SHARE`. */
export const usageOf = (name: string, { arguments: all }: Shortcut): string =>
  `@${name}${all.length > 0 ? ':' : ''}${all.map(({ name: each }) => each.toUpperCase()).join(',')}`;

function wrongCount(name: string, shortcut: Shortcut, given: number): string {
  const most = shortcut.arguments.length;
  const values = `${given} value${given === 1 ? '' : 's'}`;
  if (most === 0) return `gives @${name} ${values}; it takes none`;
  return `gives @${name} ${values}; it is written ${usageOf(name, shortcut)}, such as ${shortcut.example}`;
}

function custom(
  name: string,
  shortcut: CustomShortcut,
  values: string[],
  context: ConditionContext,
): Part | { problem: string } {
  const wanted = argumentsOf(shortcut);
  if (values.length !== wanted)
    return { problem: `gives @${name} ${values.length} values; this one of the operator's takes ${wanted}` };
  const filling = { service: context.service, alert: context.alert, values };
  const expression = fill(shortcut.expanded, filling).trim();
  const problem = problemOfPromql(expression);
  if (problem !== undefined) return { problem: `has @${name}, of which the PromQL ${problem}` };
  const filled = (texts: Record<string, string>) =>
    Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, fill(text, filling)]));
  return {
    expression,
    labels: filled(shortcut.labels),
    annotations: {
      summary: `${context.service}: ${context.alert}`,
      description: anyValue,
      ...filled(shortcut.annotations),
    },
    severity: 'warning',
  };
}
