import { serviceOfFile } from './files';

/**
 * The services that a message of `promtool check config` or of Prometheus is about, by the rule files it names; sorted,
 * and empty where it is about none.
 * @param files the bundle, by path
 */
export function guiltyServices(files: Record<string, string>, message: string): string[] {
  const guilty = new Set<string>();
  for (const [, name] of message.matchAll(/rules\/([\w.-]+\.yml)\b/g)) {
    const path = `rules/${name}`;
    const service = serviceOfFile(path);
    // promtool names each file that it looks at; what is wrong stands below, or on the same line.
    if (service !== undefined && Object.hasOwn(files, path) && isBlamed(message, path)) guilty.add(service);
  }
  return [...guilty].sort();
}

/** In words of promtool: `Checking <file>` goes before `SUCCESS: …` or `FAILED:`; Prometheus names bad files alone. */
function isBlamed(message: string, path: string): boolean {
  const lines = message.split('\n');
  return lines.some((line, index) => {
    if (!line.includes(`${path}`)) return false;
    if (!/^\s*Checking /.test(line)) return true;
    const verdict = lines.slice(index + 1).find((each) => /^\s*(?:SUCCESS|FAILED)/.test(each));
    return verdict !== undefined && /FAILED/.test(verdict);
  });
}
