import { access } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from '../common/context';
import { fail } from '../common/errors';
import type { BuildPlan } from '../image/build';
import { formatImage, parseImage, requireTag, withTag, type ImageReference } from '../image/reference';
import { readConfig, type Config } from './config';
import { buildPlan } from './images';
import { ociLabels, readSource } from './source';
import { buildNumber, buildTag } from './tags';

/** homeostat.yml, or undefined when there is none and none was asked for by name. */
export async function configIfPresent(file: string, context: Context): Promise<Config | undefined> {
  if (file !== 'homeostat.yml') return readConfig(file, context);
  const there = await access(path.resolve(context.cwd, file)).then(
    () => true,
    () => false,
  );
  return there ? readConfig(file, context) : undefined;
}

export interface BuildRequest {
  config: string;
  image?: string | undefined;
  tag?: string | undefined;
  build?: string | undefined;
  context?: string | undefined;
  dockerfile?: string | undefined;
  target?: string | undefined;
  args: Record<string, string>;
  secrets: Record<string, string>;
  noCache: boolean;
  pull: boolean;
}

/** The image that a request names: repository and tag from the options, else from homeostat.yml and the commit. */
export async function imageOfRequest(
  request: Pick<BuildRequest, 'config' | 'image' | 'tag' | 'build'>,
  context: Context,
): Promise<{ image: ImageReference; config: Config | undefined }> {
  const config = await configIfPresent(request.config, context);
  const written =
    request.image ??
    config?.image ??
    fail('CONFIG_MISSING', 'no image is named', { remedy: 'Give --image, or write `image:` into homeostat.yml.' });
  const image = parseImage(written, '--image');
  if (image.digest && !request.tag) return { image, config };
  const source = await readSource(config?.folder ?? context.cwd, context);
  const tag =
    request.tag ?? image.tag ?? buildTag(source, buildNumber(request.build, context.env, context.clock.now()));
  return { image: withTag(image, requireTag(tag, '--tag')), config };
}

/**
 * The plan of a build from options, over homeostat.yml where there is one.
 * @throws USAGE_INVALID, IMAGE_INVALID, CONFIG_INVALID
 */
export async function planBuild(request: BuildRequest, context: Context): Promise<{ plan: BuildPlan; folder: string }> {
  const { image, config } = await imageOfRequest(request, context);
  const folder = config?.folder ?? context.cwd;
  const source = await readSource(folder, context);
  for (const [id, from] of Object.entries(request.secrets)) {
    if (!/^(env:\w+|file:.+)$/.test(from))
      fail('USAGE_INVALID', `--secret ${id} is '${from.slice(0, 80)}'`, {
        remedy: 'Write --secret ID=env:NAME or ID=file:path.',
      });
  }
  const name = formatImage(image);
  const title = image.path.split('/').pop()!;
  const base: BuildPlan = config
    ? buildPlan(config, name, source, context.version)
    : {
        image: name,
        context: '.',
        dockerfile: 'Dockerfile',
        args: {},
        labels: ociLabels(source, title, image.tag ?? ''),
        secrets: {},
        noCache: false,
        pull: false,
        builder: 'auto',
      };
  const plan: BuildPlan = {
    ...base,
    ...(request.context ? { context: request.context } : {}),
    ...(request.dockerfile ? { dockerfile: request.dockerfile } : {}),
    ...(request.target ? { target: request.target } : {}),
    args: { ...base.args, ...request.args },
    secrets: { ...base.secrets, ...request.secrets },
    noCache: request.noCache,
    pull: request.pull,
  };
  return { plan, folder };
}

/**
 * The stack that is meant: the one named, or that of homeostat.yml, which then comes with it.
 * @throws USAGE_INVALID
 */
export async function stackOfRequest(
  named: string | undefined,
  file: string,
  context: Context,
): Promise<{ stack: string; config: Config | undefined }> {
  const config = named ? undefined : await configIfPresent(file, context);
  const stack =
    named ??
    config?.deploy.stack ??
    config?.name ??
    fail('USAGE_INVALID', 'nothing says which stack', { remedy: 'Give --stack, or run where homeostat.yml is.' });
  return { stack, config };
}
