import { stringify } from 'yaml';
import type { AlertRule } from './alerts/rules';

/** Data as YAML, of which every text stands in quotes: nothing in it can be taken for anything else. */
export const yamlText = (value: unknown): string =>
  stringify(value, {
    lineWidth: 0,
    defaultStringType: 'QUOTE_DOUBLE',
    defaultKeyType: 'PLAIN',
    aliasDuplicateObjects: false,
  });

export interface RuleGroup {
  name: string;
  /** Most alerts that one rule of it may give. */
  limit?: number;
  rules: AlertRule[];
}

/** What JSON leaves as it is and YAML does not want to see. */
const unprintable = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

/** A text in YAML's double quotes: JSON's are nearly the same. */
const quoted = (text: string): string =>
  JSON.stringify(text.replace(/\p{Surrogate}/gu, '\ufffd')).replace(
    unprintable,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

function mapLines(name: string, texts: Record<string, string>): string[] {
  const lines = Object.entries(texts).map(([key, text]) => `          ${quoted(key)}: ${quoted(text)}`);
  return lines.length === 0 ? [`        ${name}: {}`] : [`        ${name}:`, ...lines];
}

/**
 * A file of rules (https://prometheus.io/docs/prometheus/2.53/configuration/alerting_rules/). There may be thousands of
 * rules, and the `yaml` package takes ten times as long for the few forms that they have.
 */
export function rulesText(groups: RuleGroup[]): string {
  const lines = groups.flatMap(({ name, limit, rules }) => [
    `  - name: ${quoted(name)}`,
    ...(limit === undefined ? [] : [`    limit: ${limit}`]),
    '    rules:',
    ...rules.flatMap((rule) => [
      `      - alert: ${quoted(rule.alert)}`,
      `        expr: ${quoted(rule.expr)}`,
      ...(rule.for === undefined ? [] : [`        for: ${quoted(rule.for)}`]),
      ...mapLines('labels', rule.labels),
      ...mapLines('annotations', rule.annotations),
    ]),
  ]);
  return `groups:\n${lines.join('\n')}\n`;
}
