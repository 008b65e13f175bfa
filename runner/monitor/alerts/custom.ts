import { parse } from 'yaml';
import { z } from 'zod';

/** A shortcut of the operator, in Docker Flow's form. */
export interface CustomShortcut {
  /** PromQL with `{{ .Alert.ServiceName }}` and `{{ index .Values 0 }}`. */
  expanded: string;
  annotations: Record<string, string>;
  labels: Record<string, string>;
}

const texts = z.record(z.string().regex(/^[A-Za-z_]\w{0,127}$/), z.coerce.string()).nullish();
const schema = z.record(z.string(), z.object({ expanded: z.string().min(1), annotations: texts, labels: texts }));
const name = /^@?([A-Za-z]\w{0,99})$/;

/**
 * Shortcuts from the secrets `alertif-*` and `alertif_*`: YAML with `"@name": {expanded, annotations, labels}`. A name
 * that is one of the usual shortcuts takes its place.
 * @param files texts by the name of the secret; of two shortcuts with one name the last in their order counts
 */
export function readCustomShortcuts(files: Record<string, string>): {
  shortcuts: Record<string, CustomShortcut>;
  problems: string[];
} {
  const shortcuts = new Map<string, CustomShortcut>();
  const problems: string[] = [];
  for (const file of Object.keys(files).sort()) {
    const tell = (message: string) => problems.push(`${file}: ${message}`);
    let written: unknown;
    try {
      written = parse(files[file]!, { maxAliasCount: 100 });
    } catch (error) {
      tell(`is not valid YAML: ${(error as Error).message.split('\n')[0]}`);
      continue;
    }
    const parsed = schema.safeParse(written);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      tell(
        `'${issue!.path.join('.')}' is not what is expected: "@name": {expanded: text, annotations: map, labels: map}`,
      );
      continue;
    }
    for (const [key, { expanded, annotations, labels }] of Object.entries(parsed.data)) {
      const [, bare] = name.exec(key) ?? [];
      const unknown = unknownPlaceholder([expanded, ...Object.values(labels ?? {})]);
      if (bare === undefined) tell(`'${key.slice(0, 80)}' is no name of a shortcut; letters, digits and _ are allowed`);
      else if (unknown !== undefined)
        tell(
          `'${key}' has ${unknown.slice(0, 60)}; {{ .Alert.ServiceName }}, {{ .Alert.AlertName }}, {{ .Alert.Replicas }} and {{ index .Values 0 }} are known`,
        );
      else shortcuts.set(bare, { expanded, annotations: annotations ?? {}, labels: labels ?? {} });
    }
  }
  return { shortcuts: Object.fromEntries(shortcuts), problems };
}

const placeholder = /\{\{-?\s*(?:\.Alert\.(ServiceName|AlertName|Replicas)|index\s+\.Values\s+(\d{1,2}))\s*-?\}\}/g;

const unknownPlaceholder = (all: string[]): string | undefined =>
  all.map((text) => /\{\{.{0,60}/s.exec(text.replace(placeholder, ''))?.[0]).find((found) => found !== undefined);

/** What stands for the placeholders. */
export interface CustomValues {
  service: string;
  alert: string;
  values: string[];
}

/** How many arguments it takes. */
export const argumentsOf = ({ expanded, annotations, labels }: CustomShortcut): number =>
  Math.max(
    0,
    ...[expanded, ...Object.values(annotations), ...Object.values(labels)].flatMap((text) =>
      [...text.matchAll(placeholder)].map(([, , index]) => (index === undefined ? 0 : Number(index) + 1)),
    ),
  );

/** The text with its placeholders filled in; the number of replicas is what the Swarm wants, at any time. */
export const fill = (text: string, { service, alert, values }: CustomValues): string =>
  text.replace(placeholder, (_, field: string | undefined, index: string | undefined) => {
    if (index !== undefined) return values[Number(index)] ?? '';
    if (field === 'ServiceName') return service;
    return field === 'AlertName' ? alert : `scalar(max(homeostat_service_replicas_wanted{service="${service}"}))`;
  });
