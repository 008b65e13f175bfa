/** What a text needs from the environment, and what it becomes. */
export interface Interpolated {
  text: string;
  /** Variables without value or default, or whose `?` message applies. */
  unresolved: string[];
  /** A `$` starts no variable in it: the docker client refuses such a text. */
  illegal: boolean;
}

const substitution = '[_a-z][_a-z0-9]*(?::?[-?][^}]*)?';
const reference = new RegExp(`\\$(?:(\\$)|(${substitution})|\\{(${substitution})\\}|)`, 'gi');
/** In the order in which the docker client looks for them, anywhere in the substitution. */
const operators = [':-', '-', ':?', '?'];

/**
 * Fills in `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `${NAME:?message}` and `$$`, by the rules of
 * `docker stack deploy` (https://github.com/docker/cli/blob/master/cli/compose/template/template.go), its oddities
 * among them: what is planned here is what that client deploys.
 */
export function interpolate(text: string, env: Record<string, string | undefined>): Interpolated {
  const unresolved: string[] = [];
  let illegal = false;
  const filled = text.replace(reference, (whole: string, dollar?: string, plain?: string, braced?: string) => {
    if (dollar) return dollar;
    const inner = plain ?? braced;
    if (inner === undefined) {
      illegal = true;
      return whole;
    }
    const operator = operators.find((each) => inner.includes(each)) ?? '';
    const at = operator ? inner.indexOf(operator) : inner.length;
    const name = inner.slice(0, at);
    const operand = inner.slice(at + operator.length);
    if (!/^\w+$/.test(name)) {
      unresolved.push(`${inner} (the docker client takes '${name}' for the name)`);
      return operator.endsWith('-') ? operand : '';
    }
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    const missing = operator.startsWith(':') ? !value : value === undefined;
    if (!missing) return value ?? '';
    if (operator.endsWith('-')) return operand;
    unresolved.push(operator ? `${name} (${operand})` : name);
    return '';
  });
  return { text: filled, unresolved, illegal };
}
