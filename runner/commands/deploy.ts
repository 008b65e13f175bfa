import type { Context } from '../common/context';
import { fail } from '../common/errors';
import type { Approvable } from '../pipeline/approval';
import type { Config } from '../pipeline/config';
import { configOption, dryRunOption, type Command, type CommandResult, type Values } from './command';
import { actor, defaultSettings, deployOptions, flag, overrideSettings, renderPlan, stackOption, text } from './shared';

const command: Command = {
  name: 'deploy',
  describe: 'Deploy an image and watch it task by task: ends as a release, or with the last known-good one put back',
  examples: [
    ['homeostat deploy --image registry.example.com/shop@sha256:…', 'Deploy the stack file that homeostat.yml names'],
    [
      'homeostat deploy --service shop_web --image registry.example.com/shop:1.2',
      'Give one running service another image',
    ],
  ],
  options: {
    ...configOption,
    image: { type: 'string', describe: 'Image to deploy, by digest or tag (default: the tag of this commit)' },
    ...stackOption,
    'stack-file': { type: 'string', describe: 'Compose v3 stack file' },
    service: {
      type: 'string',
      describe: 'With --stack-file: the service that gets the image; alone: a running service, <stack>_<service>',
    },
    ...deployOptions,
    build: { type: 'string', describe: 'Build number for the record (default: BUILD_NUMBER)' },
    'approved-by': { type: 'string', describe: 'Person who approved, when homeostat.yml asks for approval' },
    ...dryRunOption,
  },
  async run(context, values) {
    const { configIfPresent } = await import('../pipeline/standalone');
    const config = await configIfPresent(text(values, 'config')!, context);
    if (text(values, 'service') && !text(values, 'stackFile') && text(values, 'service') !== config?.name)
      return deployOneService(context, values);
    return deployFile(context, values, config);
  },
};

async function origin(context: Context, values: Values, folder: string, approvedBy = text(values, 'approvedBy')) {
  const [{ readSource }, { buildNumber }, { originOf }] = await Promise.all([
    import('../pipeline/source'),
    import('../pipeline/tags'),
    import('../pipeline/pipeline'),
  ]);
  const now = context.clock.now();
  return originOf(
    await readSource(folder, context),
    buildNumber(text(values, 'build'), context.env, now),
    actor(context),
    now,
    approvedBy,
  );
}

async function deployOneService(context: Context, values: Values): Promise<CommandResult> {
  const [{ connectEngine }, { parseImage }, { deployService, pinImage, planServiceDeploy }] = await Promise.all([
    import('../common/engine'),
    import('../image/reference'),
    import('../pipeline/deploy'),
  ]);
  const image = parseImage(text(values, 'image') ?? fail('USAGE_INVALID', '--service needs --image'), '--image');
  const settings = overrideSettings(defaultSettings, values);
  const engine = connectEngine(context);
  const pinned = await pinImage(engine, image, context);
  const plan = await planServiceDeploy(engine, text(values, 'service')!, pinned, settings, context);
  if (flag(values, 'dryRun')) return { result: { plan }, summary: renderPlan(plan) };
  return done(await deployService(engine, plan, pinned, await origin(context, values, context.cwd), settings, context));
}

async function deployFile(context: Context, values: Values, config: Config | undefined): Promise<CommandResult> {
  const [
    { connectEngine },
    deploy,
    { readStackFile, requireService },
    { imageOfRequest },
    { deploySettings },
    { requireApproval },
    { readSource },
    { formatImage },
    { readVerdicts },
  ] = await Promise.all([
    import('../common/engine'),
    import('../pipeline/deploy'),
    import('../pipeline/stack-file'),
    import('../pipeline/standalone'),
    import('../pipeline/pipeline'),
    import('../pipeline/approval'),
    import('../pipeline/source'),
    import('../image/reference'),
    import('../pipeline/verdicts'),
  ]);
  const given = text(values, 'stackFile');
  if (!given && !config)
    fail('CONFIG_MISSING', 'nothing says what to deploy', {
      remedy: 'Write homeostat.yml, or give --stack-file, --service and --image, or --service and --image alone.',
    });
  const file = await readStackFile(given ?? config!.stack, given ? context.cwd : config!.folder, context);
  const service =
    text(values, 'service') ??
    config?.name ??
    fail('USAGE_INVALID', '--stack-file needs --service: the service that gets the image');
  requireService(file, service);
  const stack =
    text(values, 'stack') ??
    config?.deploy.stack ??
    config?.name ??
    fail('USAGE_INVALID', '--stack-file needs --stack: the name of the stack');
  const settings = overrideSettings(config ? deploySettings(config) : defaultSettings, values);
  const { image } = await imageOfRequest(
    { config: text(values, 'config')!, image: text(values, 'image'), tag: undefined, build: text(values, 'build') },
    context,
  );
  const engine = connectEngine(context);
  const pinned = await deploy.pinImage(engine, image, context);
  const plan = await deploy.prepareStackDeploy(engine, file, stack, service, pinned, settings, context);
  if (flag(values, 'dryRun')) return { result: { plan }, summary: renderPlan(plan) };
  const from = await readSource(file.folder, context);
  const asked: Approvable = {
    ...{ stack, reference: formatImage(pinned), digest: pinned.digest!, folder: file.folder, askedBy: actor(context) },
    ...(from.revision ? { revision: from.revision } : {}),
    verdicts: await readVerdicts(file.folder),
  };
  const named = text(values, 'approvedBy');
  const approvedBy = config ? await requireApproval(engine, config, asked, named, context) : named;
  return done(
    await deploy.deployStackFile(
      engine,
      file,
      plan,
      service,
      pinned,
      await origin(context, values, file.folder, approvedBy),
      settings,
      context,
    ),
  );
}

function done(release: { number: number; stack: string; services: { name: string; image: string }[] }): CommandResult {
  const services = release.services.map(({ name, image }) => ({ name, image }));
  return {
    result: { stack: release.stack, release: release.number, outcome: 'released', services },
    summary: [
      `release ${release.number} of ${release.stack} runs`,
      ...services.map(({ name, image }) => `  ${name} ${image}`),
    ].join('\n'),
  };
}

export default command;
