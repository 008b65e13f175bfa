import type { Context } from '../common/context';
import { configOption, dryRunOption, type Command, type CommandResult, type Values } from './command';
import { flag, renderPlan, text } from './shared';

const command: Command = {
  name: 'push',
  describe: 'Push an image to its registry and tell its digest, the identity from here on',
  examples: [
    ['homeostat push', 'Push what `homeostat build` built'],
    ['homeostat push --image registry.example.com/shop:1.2', 'Push that tag'],
    ['homeostat push --release --image registry.example.com/shop@sha256:…', 'Tag what was tested as a release'],
  ],
  options: {
    ...configOption,
    image: { type: 'string', describe: 'Image to push' },
    tag: { type: 'string', describe: 'Tag (default: the commit, or the build number)' },
    release: {
      type: 'boolean',
      describe: 'Put the tags of a release (`tags:` in homeostat.yml) on the image, given by digest',
    },
    build: { type: 'string', describe: 'Build number (default: BUILD_NUMBER)' },
    ...dryRunOption,
  },
  async run(context, values) {
    if (flag(values, 'release')) return release(context, values);
    const [{ connectEngine }, { pushImage }, { formatImage }, { imageOfRequest }] = await Promise.all([
      import('../common/engine'),
      import('../image/push'),
      import('../image/reference'),
      import('../pipeline/standalone'),
    ]);
    const { image } = await imageOfRequest(
      {
        config: text(values, 'config')!,
        image: text(values, 'image'),
        tag: text(values, 'tag'),
        build: text(values, 'build'),
      },
      context,
    );
    const plan = { image: formatImage(image), registry: image.registry };
    if (flag(values, 'dryRun')) return { result: { plan }, summary: renderPlan(plan) };
    const result = await pushImage(connectEngine(context), image, context);
    return { result, summary: `pushed ${result.image}\n${result.reference}` };
  },
};

async function release(context: Context, values: Values): Promise<CommandResult> {
  const [
    { connectEngine },
    { tagRelease },
    { formatImage, withTag },
    { pinImage },
    { imageOfRequest },
    { readConfig },
    { readSource },
    tags,
  ] = await Promise.all([
    import('../common/engine'),
    import('../image/push'),
    import('../image/reference'),
    import('../pipeline/deploy'),
    import('../pipeline/standalone'),
    import('../pipeline/config'),
    import('../pipeline/source'),
    import('../pipeline/tags'),
  ]);
  const config = await readConfig(text(values, 'config')!, context);
  const now = context.clock.now();
  const names = tags.releaseTags(
    config.tags,
    await readSource(config.folder, context),
    tags.buildNumber(text(values, 'build'), context.env, now),
    now,
  );
  const { image } = await imageOfRequest(
    { config: text(values, 'config')!, image: text(values, 'image'), tag: undefined, build: text(values, 'build') },
    context,
  );
  const plan = { image: formatImage(image), tags: names };
  if (flag(values, 'dryRun')) return { result: { plan }, summary: renderPlan(plan) };
  const engine = connectEngine(context);
  const tested = await pinImage(engine, image, context);
  await tagRelease(engine, tested, names, context);
  const result = {
    reference: formatImage(tested),
    digest: tested.digest,
    tags: names.map((tag) => formatImage(withTag(tested, tag))),
  };
  return { result, summary: [`released ${result.reference}`, ...result.tags].join('\n') };
}

export default command;
