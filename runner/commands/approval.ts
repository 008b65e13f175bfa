import type { Context } from '../common/context';
import { fail } from '../common/errors';
import { configOption, type Command, type CommandResult, type Values } from './command';
import { actor, flag, stackOption, text } from './shared';

const command: Command = {
  name: 'approval',
  describe: 'Ask a person to approve a deploy, and tell what was decided: for pipelines that wait by themselves',
  examples: [
    [
      'homeostat approval --ask --image registry.example.com/shop@sha256:\u2026',
      'Ask, and tell the id of the question',
    ],
    ['homeostat approval --result q-7k2m9x', 'Use the approval, or end with exit code 4 or 6'],
  ],
  options: {
    ...configOption,
    ask: { type: 'boolean', describe: 'Ask for the approval, where homeostat.yml wants one' },
    result: { type: 'string', describe: 'Id of a question: use what was decided' },
    choice: {
      type: 'string',
      choices: ['approve', 'reject'],
      describe: 'With --result: decide it, unless it is decided',
    },
    by: { type: 'string', describe: 'With --choice: who decides (default: the user of this machine)' },
    image: {
      type: 'string',
      describe: 'With --ask: the image that is to be deployed, by digest (default: the tag of this commit)',
    },
    ...stackOption,
    'asked-by': { type: 'string', describe: 'With --ask: who wants to deploy (default: the user of this machine)' },
  },
  async run(context, values) {
    const id = text(values, 'result');
    if (flag(values, 'ask') === (id !== undefined)) fail('USAGE_INVALID', 'give either --ask or --result ID');
    return id === undefined ? ask(context, values) : result(context, values, id);
  },
};

export default command;

async function ask(context: Context, values: Values): Promise<CommandResult> {
  const [
    { connectEngine },
    { readConfig },
    { formatImage },
    { imageOfRequest },
    { pinImage },
    { askApproval },
    { readSource },
    { buildPathOf, inputId },
    { readVerdicts },
  ] = await Promise.all([
    import('../common/engine'),
    import('../pipeline/config'),
    import('../image/reference'),
    import('../pipeline/standalone'),
    import('../pipeline/deploy'),
    import('../pipeline/approval'),
    import('../pipeline/source'),
    import('../jenkins/input'),
    import('../pipeline/verdicts'),
  ]);
  const config = await readConfig(text(values, 'config')!, context);
  if (!config.deploy.approval) return { result: { needed: false }, summary: 'homeostat.yml asks for no approval' };
  const engine = connectEngine(context);
  const wanted = { config: text(values, 'config')!, image: text(values, 'image'), tag: undefined, build: undefined };
  const image = await pinImage(engine, (await imageOfRequest(wanted, context)).image, context);
  const { revision } = await readSource(config.folder, context);
  const build = buildPathOf(context.env.BUILD_URL);
  const question = await askApproval(
    engine,
    config,
    {
      stack: text(values, 'stack') ?? config.deploy.stack ?? config.name,
      reference: formatImage(image),
      digest: image.digest!,
      folder: config.folder,
      askedBy: text(values, 'askedBy') ?? actor(context),
      verdicts: await readVerdicts(config.folder),
      ...(revision ? { revision } : {}),
      ...(build ? { build } : {}),
    },
    context,
  );
  // Whom the controller releases the input as, when people have answered elsewhere.
  const relay = context.env.HOMEOSTAT_JENKINS_USER;
  const submitters = question.deciders.length > 0 && relay ? [...question.deciders, relay] : question.deciders;
  const seconds = Math.ceil((Date.parse(question.expiresAt) - context.clock.now().getTime()) / 1000);
  return {
    result: {
      ...{ needed: true, question: question.id, input: inputId(question.id), message: question.title },
      ...{ submitters: submitters.join(','), seconds: Math.max(1, seconds), expiresAt: question.expiresAt },
    },
    summary: `${question.id}  ${question.title}\nhomeostat answer ${question.id} approve (or reject), until ${question.expiresAt}`,
  };
}

async function result(context: Context, values: Values, id: string): Promise<CommandResult> {
  const [{ connectEngine }, { decideQuestion }, { takeApproval }] = await Promise.all([
    import('../common/engine'),
    import('../people/questions'),
    import('../pipeline/approval'),
  ]);
  const engine = connectEngine(context);
  const choice = text(values, 'choice');
  if (choice !== undefined) {
    const by = text(values, 'by') ?? actor(context);
    const decided = await decideQuestion(engine, id, { choice, by, via: 'jenkins' }, context);
    if (decided !== 'decided' && 'refused' in decided && choice === 'approve')
      fail('ANSWER_REFUSED', `the answer to ${id} was not taken`, { cause: decided.refused, data: { question: id } });
  }
  const approvedBy = await takeApproval(engine, id, context);
  return { result: { approvedBy, question: id }, summary: `approved by ${approvedBy}` };
}
