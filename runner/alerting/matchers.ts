export interface Matcher {
  label: string;
  operator: '=' | '!=' | '=~' | '!~';
  value: string;
}

const shape = /^\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|!=|!~|=)\s*(?:"((?:[^"\\]|\\[^])*)"|((?:[^"\\]|\\[^])*?))\s*$/;

/** A matcher as Alertmanager reads it: `service="shop"`, `severity=~"critical|warning"`; undefined when it is none. */
export function parseMatcher(text: string): Matcher | undefined {
  const [, label, operator, quoted, plain] = shape.exec(text) ?? [];
  if (label === undefined) return undefined;
  const value = (quoted ?? plain ?? '').replace(/\\([\\"n])/g, (_, sign: string) => (sign === 'n' ? '\n' : sign));
  if (operator!.endsWith('~') && !regularExpression(value)) return undefined;
  return { label, operator: operator as Matcher['operator'], value };
}

/** The text of a matcher; whatever the value is, it stays within its quotes. */
export function matcher(label: string, operator: Matcher['operator'], value: string): string {
  const escaped = value.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n');
  return `${label}${operator}"${escaped}"`;
}

/** Whether labels fit; a label that is not there is an empty one. */
export function fits({ label, operator, value }: Matcher, labels: Record<string, string>): boolean {
  const given = Object.hasOwn(labels, label) ? labels[label]! : '';
  const equal = operator.endsWith('~') ? (regularExpression(value)?.test(given) ?? false) : given === value;
  return operator.startsWith('!') ? !equal : equal;
}

/** Go's and JavaScript's expressions are alike in what is used to match labels. */
function regularExpression(text: string): RegExp | undefined {
  try {
    return new RegExp(`^(?:${text})$`);
  } catch {
    return undefined;
  }
}
