import { fail } from '../common/errors';
import type { LetIn } from '../system/up';
import { dryRunOption, type Command, type Values } from './command';
import { flag, renderPlan, text } from './shared';

const command: Command = {
  name: 'up',
  describe: 'Bring the whole system up on this machine, from nothing, and send the example through it. Safe to repeat',
  examples: [
    ['homeostat up', 'Install, start, build, and run the example from push to verified release'],
    ['homeostat up --dry-run', 'Say what would be done'],
    ['homeostat up --system system.yml', 'With the repositories, people and limits of that file'],
    ['homeostat up --engine jenkins', 'With Jenkins in place of the embedded job server'],
  ],
  options: {
    system: {
      type: 'string',
      describe: 'Path of system.yml (default: the one in this folder, else that of the last time)',
    },
    engine: {
      type: 'string',
      choices: ['embedded', 'jenkins'],
      describe: 'Who runs the jobs (default: as system.yml says, else who does, at first the embedded job server)',
    },
    'registry-port': { type: 'number', describe: 'Port under which each node reaches the image registry (5000)' },
    'http-port': { type: 'number', describe: 'Port of the door on every node (80)' },
    'https-port': { type: 'number', describe: 'Port of the door for TLS on every node (443)' },
    'controller-port': { type: 'number', describe: 'Port on which nodes reach the controller (7080)' },
    'jobs-port': { type: 'number', describe: 'Port on which nodes reach the job server or Jenkins (8080)' },
    'prometheus-port': { type: 'number', describe: 'Port on which nodes reach Prometheus (9090)' },
    'alertmanager-port': { type: 'number', describe: 'Port on which nodes reach Alertmanager (9093)' },
    'advertise-addr': { type: 'string', describe: 'Address under which other nodes reach this one, for a new Swarm' },
    'no-example': { type: 'boolean', describe: 'Leave the example out' },
    ...dryRunOption,
  },
  async run(context, values) {
    const [
      { bringUp, planUp },
      { renderUp },
      { readState, stateFolder },
      { keepTokens },
      { parseRights },
      { readSystem },
    ] = await Promise.all([
      import('../system/up'),
      import('../system/up-render'),
      import('../system/state'),
      import('../jobs/tokens'),
      import('../jobs/rights'),
      import('../system/system-file'),
    ]);
    const folder = stateFolder(context);
    const system = await readSystem(text(values, 'system'), context, await readState(folder));
    const chosen = text(values, 'engine') as (typeof system)['engine'] | undefined;
    const settings = {
      folder,
      system: { ...system, engine: chosen ?? system.engine },
      registryPort: port(values, 'registryPort', '--registry-port') ?? system.ports.registry,
      httpPort: port(values, 'httpPort', '--http-port') ?? system.ports.http,
      httpsPort: port(values, 'httpsPort', '--https-port') ?? system.ports.https,
      controllerPort: port(values, 'controllerPort', '--controller-port') ?? system.ports.controller,
      jobsPort: port(values, 'jobsPort', '--jobs-port') ?? system.ports.jobs,
      prometheusPort: port(values, 'prometheusPort', '--prometheus-port') ?? system.ports.prometheus,
      alertmanagerPort: port(values, 'alertmanagerPort', '--alertmanager-port') ?? system.ports.alertmanager,
      example: !flag(values, 'noExample'),
      advertiseAddress: text(values, 'advertiseAddr'),
    };
    const plan = await planUp(settings, context);
    if (flag(values, 'dryRun')) return { result: { plan }, summary: renderPlan(plan) };
    const letIn: LetIn = (data, tokens, gone) =>
      keepTokens(
        data,
        tokens.map(({ user, token, rights }) => ({ user, token, rights: parseRights(rights) })),
        gone,
        context.clock,
      );
    // With --json standard output belongs to the result.
    const telling = flag(values, 'json') ? { ...context, stdout: context.stderr } : context;
    const result = await bringUp(settings, plan, letIn, telling);
    return { result, summary: renderUp(result) };
  },
};

function port(values: Values, name: string, option: string): number | undefined {
  const value = values[name] as number | undefined;
  if (value === undefined || (value >= 1 && value <= 65_535)) return value;
  return fail('USAGE_INVALID', `${option} is ${value}; 1 to 65535 is allowed`);
}

export default command;
