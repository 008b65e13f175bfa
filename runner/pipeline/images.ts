import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from '../common/context';
import { fail } from '../common/errors';
import type { BuildPlan } from '../image/build';
import type { Config } from './config';
import { ociLabels, type Source } from './source';

/** The build of a service's image, as plain data. */
export function buildPlan(config: Config, image: string, source: Source, version: string): BuildPlan {
  const { context, dockerfile, target, args, secrets, builder } = config.build;
  return {
    image,
    context,
    dockerfile,
    ...(target ? { target } : {}),
    args,
    labels: ociLabels(source, config.name, source.revision ?? version),
    secrets,
    noCache: false,
    pull: false,
    builder,
  };
}

/**
 * The values of the secrets a build names, made known to the masker.
 * @throws SECRET_MISSING
 */
export async function readSecrets(plan: BuildPlan, folder: string, context: Context): Promise<Record<string, Buffer>> {
  const values: Record<string, Buffer> = {};
  for (const [id, from] of Object.entries(plan.secrets)) {
    const name = from.slice(from.indexOf(':') + 1);
    if (from.startsWith('env:')) {
      const value =
        context.env[name] ?? fail('SECRET_MISSING', `build.secrets.${id}: the environment variable ${name} is not set`);
      values[id] = Buffer.from(value);
    } else {
      values[id] = await readFile(path.resolve(folder, name)).catch((error: Error) =>
        fail('SECRET_MISSING', `build.secrets.${id}: the file ${name} cannot be read`, { cause: error.message }),
      );
    }
    context.masker.add(values[id].toString());
  }
  return values;
}
