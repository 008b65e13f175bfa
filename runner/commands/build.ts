import { configOption, dryRunOption, type Command } from './command';
import { flag, list, pairs, renderPlan, text } from './shared';

const command: Command = {
  name: 'build',
  describe: 'Build the image of a service with BuildKit, streaming the context to the Engine',
  examples: [
    ['homeostat build', 'Build what homeostat.yml describes, tagged with the commit'],
    ['homeostat build --image registry.example.com/shop --tag 1.2 --context app', 'Build without homeostat.yml'],
  ],
  options: {
    ...configOption,
    image: { type: 'string', describe: 'Repository of the image' },
    tag: { type: 'string', describe: 'Tag (default: the commit, or the build number)' },
    build: { type: 'string', describe: 'Build number (default: BUILD_NUMBER)' },
    context: { type: 'string', describe: 'Folder that is sent to the builder' },
    dockerfile: { type: 'string', describe: 'Path of the Dockerfile, relative to the context' },
    target: { type: 'string', describe: 'Stage of the Dockerfile' },
    'build-arg': { type: 'array', string: true, describe: 'KEY=value for ARG; may be repeated' },
    secret: {
      type: 'array',
      string: true,
      describe: 'ID=env:NAME or ID=file:path for RUN --mount=type=secret; may be repeated',
    },
    'no-cache': { type: 'boolean', describe: 'Do not use the cache' },
    pull: { type: 'boolean', describe: 'Look for newer base images' },
    ...dryRunOption,
  },
  async run(context, values) {
    const [{ connectEngine }, { buildImage }, { readSecrets }, { planBuild }] = await Promise.all([
      import('../common/engine'),
      import('../image/build'),
      import('../pipeline/images'),
      import('../pipeline/standalone'),
    ]);
    const { plan, folder } = await planBuild(
      {
        config: text(values, 'config')!,
        image: text(values, 'image'),
        tag: text(values, 'tag'),
        build: text(values, 'build'),
        context: text(values, 'context'),
        dockerfile: text(values, 'dockerfile'),
        target: text(values, 'target'),
        args: pairs('build-arg', list(values, 'buildArg')),
        secrets: pairs('secret', list(values, 'secret')),
        noCache: flag(values, 'noCache'),
        pull: flag(values, 'pull'),
      },
      context,
    );
    if (flag(values, 'dryRun')) return { result: { plan }, summary: renderPlan(plan) };
    const secrets = await readSecrets(plan, folder, context);
    const result = await buildImage(connectEngine(context), plan, secrets, { ...context, cwd: folder });
    return { result, summary: `built ${result.image} (${result.id.slice(7, 19)}) in ${result.seconds} s` };
  },
};

export default command;
