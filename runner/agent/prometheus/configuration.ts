import { isScalar, isSeq, parseDocument, visit } from 'yaml';

export interface LocalPaths {
  /** What the controller says of targets. */
  targets: string;
  /** The token for the controller's metrics; undefined where there is none. */
  credentials: string | undefined;
}

/** File of the bundle that the paths are put into. */
export const configurationFile = 'prometheus.yml';
/** As they stand in the bundle. */
export const targetsName = 'targets/services.json';
const credentialsName = 'credentials/controller';

/** A pattern that no file matches: by it the running Prometheus tells which configuration it has. */
export const markerOf = (revision: string): string => `revision-${revision}-*.yml`;

/**
 * prometheus.yml with what only this machine knows. Without a token what needs it is asked without: one target that cannot
 * be read is less than no Prometheus at all.
 */
export function withLocalPaths(text: string, revision: string, paths: LocalPaths): string {
  const document = parseDocument(text);
  visit(document, {
    Pair(_key, pair) {
      if (!isScalar(pair.key)) return undefined;
      if (pair.key.value === 'authorization' && paths.credentials === undefined) {
        const file = (pair.value as { get?: (key: string) => unknown } | null)?.get?.('credentials_file');
        return file === credentialsName ? visit.REMOVE : undefined;
      }
      if (pair.key.value === 'credentials_file' && isScalar(pair.value) && pair.value.value === credentialsName)
        pair.value.value = paths.credentials;
      if (pair.key.value === 'files' && isSeq(pair.value))
        for (const item of pair.value.items)
          if (isScalar(item) && item.value === targetsName) item.value = paths.targets;
      return undefined;
    },
  });
  document.addIn(['rule_files'], markerOf(revision));
  return document.toString({ lineWidth: 0 });
}
