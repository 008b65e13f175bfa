import { parse, stringify } from 'yaml';
import { composeYaml } from '../common/compose-yaml';
import type { RequiredSecret } from './configuration/required-secrets';

/** User and group of Jenkins in the official image. */
const jenkinsUser = '1000';

interface StackFile {
  services: { controller: { secrets: object[] } };
  secrets: Record<string, object>;
}

/**
 * The stack file of Jenkins with every secret that its configuration names. One with a hash is made of a file of its name
 * beside the stack file; one without is in the Swarm already, under its own name.
 */
export function withRequiredSecrets(
  content: string,
  required: readonly RequiredSecret[],
  hashes: Readonly<Record<string, string>>,
): string {
  const stack = parse(content, composeYaml) as StackFile;
  const names = new Set(required.map(({ name }) => name).filter((name) => !Object.hasOwn(stack.secrets, name)));
  for (const name of names) {
    const source = `site-${name}`;
    const hash = hashes[name];
    stack.services.controller.secrets.push({ source, target: name, uid: jenkinsUser, gid: jenkinsUser, mode: 0o400 });
    stack.secrets[source] =
      hash === undefined ? { external: true, name } : { file: `./${name}`, name: `homeostat-jenkins-${name}-${hash}` };
  }
  return stringify(stack, composeYaml);
}
