/** Flags that are the agent's to set, and one that is no flag. */
const own = new Set([
  'alertmanager.url',
  'config.file',
  'storage.tsdb.path',
  'web.listen-address',
  'web.enable-lifecycle',
  'web.route-prefix',
]);

/**
 * Flags of Prometheus from the environment, as docker-flow-monitor has them: `ARG_STORAGE_TSDB_RETENTION_TIME=30d` is
 * `--storage.tsdb.retention.time=30d`, and `ARG_WEB_EXTERNAL-URL` is `--web.external-url`.
 */
export function flagsOf(env: Record<string, string | undefined>): string[] {
  return Object.keys(env)
    .sort()
    .flatMap((variable) => {
      const [, written] = /^ARG_([A-Z0-9_.-]+)$/i.exec(variable) ?? [];
      const name = written?.toLowerCase().replaceAll('_', '.');
      if (name === undefined || own.has(name)) return [];
      const value = env[variable]!;
      if (value === 'true') return [`--${name}`];
      return value === 'false' ? [`--no-${name}`] : [`--${name}=${value}`];
    });
}
