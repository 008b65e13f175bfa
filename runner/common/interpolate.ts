/** What a text needs from the environment, and what it becomes. */
export interface Interpolated {
  text: string;
  /** Variables without value or default, or whose `?` message applies. */
  unresolved: string[];
}

const reference = /\$(?:(\$)|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?[-?])([^}]*))?\}|(\{|$|(?=[^\w${])))/g;

/**
 * Fills in `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `${NAME:?message}` and `$$`, by the rules of
 * `docker stack deploy` (https://github.com/docker/cli/blob/master/cli/compose/template/template.go).
 */
export function interpolate(text: string, env: Record<string, string | undefined>): Interpolated {
  const unresolved: string[] = [];
  const filled = text.replace(
    reference,
    (whole: string, dollar?: string, plain?: string, braced?: string, operator?: string, operand?: string) => {
      if (dollar) return '$';
      const name = plain ?? braced;
      if (name === undefined) return whole;
      const value = env[name];
      const missing = operator?.startsWith(':') ? !value : value === undefined;
      if (!missing) return value ?? '';
      if (operator?.endsWith('-')) return operand ?? '';
      unresolved.push(operator ? `${name} (${operand})` : name);
      return '';
    },
  );
  return { text: filled, unresolved };
}
