import type { Context } from '../common/context';
import { ask, request, type Engine } from '../common/engine';
import { updateService } from './services';

interface Secret {
  ID: string;
  Spec: { Name: string };
}

interface SecretReference {
  SecretID: string;
  SecretName: string;
  File?: { Name: string; UID: string; GID: string; Mode: number };
}

/**
 * Gives a service the secrets whose names match and that it does not have yet, each as a file of its own name; the Swarm
 * then replaces the service's tasks.
 * @returns names of the secrets that were added
 */
export async function attachSecrets(
  engine: Engine,
  service: string,
  wanted: RegExp,
  context: Context,
): Promise<string[]> {
  const secrets = await ask(context, 'listing the secrets', () => request<Secret[]>(engine, 'GET', '/secrets'));
  const matching = secrets.filter(({ Spec }) => wanted.test(Spec.Name));
  if (matching.length === 0) return [];
  let added: string[] = [];
  await updateService(
    engine,
    service,
    ({ Spec }) => {
      const container = Spec.TaskTemplate.ContainerSpec!;
      const present = (container.Secrets as SecretReference[] | null | undefined) ?? [];
      const missing = matching.filter(({ ID }) => !present.some(({ SecretID }) => SecretID === ID));
      added = missing.map((secret) => secret.Spec.Name);
      if (missing.length === 0) return undefined;
      const references = missing.map((secret) => ({
        SecretID: secret.ID,
        SecretName: secret.Spec.Name,
        File: { Name: secret.Spec.Name, UID: '0', GID: '0', Mode: 0o400 },
      }));
      const next = { ...container, Secrets: [...present, ...references] };
      return { ...Spec, TaskTemplate: { ...Spec.TaskTemplate, ContainerSpec: next } };
    },
    undefined,
    context,
  );
  return added;
}
