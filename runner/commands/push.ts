import { configOption, dryRunOption, type Command } from './command';
import { flag, renderPlan, text } from './shared';

const command: Command = {
  name: 'push',
  describe: 'Push an image to its registry and tell its digest, the identity from here on',
  examples: [
    ['homeostat push', 'Push what `homeostat build` built'],
    ['homeostat push --image registry.example.com/shop:1.2', 'Push that tag'],
  ],
  options: {
    ...configOption,
    image: { type: 'string', describe: 'Image to push' },
    tag: { type: 'string', describe: 'Tag (default: the commit, or the build number)' },
    build: { type: 'string', describe: 'Build number (default: BUILD_NUMBER)' },
    ...dryRunOption,
  },
  async run(context, values) {
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

export default command;
