import { fail } from '../common/errors';
import { dryRunOption, type Command, type Values } from './command';
import { flag, renderPlan, text } from './shared';

const command: Command = {
  name: 'up',
  describe: 'Bring the whole system up on this machine, from nothing, and send the example through it. Safe to repeat',
  examples: [
    ['homeostat up', 'Install, start, build, and run the example from push to verified release'],
    ['homeostat up --dry-run', 'Say what would be done'],
  ],
  options: {
    'registry-port': {
      type: 'number',
      describe: 'Port under which each node reaches the image registry',
      default: 5000,
    },
    'http-port': { type: 'number', describe: 'Port of the door on every node', default: 80 },
    'https-port': { type: 'number', describe: 'Port of the door for TLS on every node', default: 443 },
    'controller-port': { type: 'number', describe: 'Port on which nodes reach the controller', default: 7080 },
    'jobs-port': { type: 'number', describe: 'Port on which nodes reach the job server', default: 8080 },
    'prometheus-port': { type: 'number', describe: 'Port on which nodes reach Prometheus', default: 9090 },
    'alertmanager-port': { type: 'number', describe: 'Port on which nodes reach Alertmanager', default: 9093 },
    'advertise-addr': { type: 'string', describe: 'Address under which other nodes reach this one, for a new Swarm' },
    'no-example': { type: 'boolean', describe: 'Leave the example out' },
    ...dryRunOption,
  },
  async run(context, values) {
    const [{ bringUp, planUp }, { renderUp }, { stateFolder }, { addToken }, { parseRights }] = await Promise.all([
      import('../system/up'),
      import('../system/up-render'),
      import('../system/state'),
      import('../jobs/tokens'),
      import('../jobs/rights'),
    ]);
    const settings = {
      folder: stateFolder(context),
      registryPort: port(values, 'registryPort', '--registry-port'),
      httpPort: port(values, 'httpPort', '--http-port'),
      httpsPort: port(values, 'httpsPort', '--https-port'),
      controllerPort: port(values, 'controllerPort', '--controller-port'),
      jobsPort: port(values, 'jobsPort', '--jobs-port'),
      prometheusPort: port(values, 'prometheusPort', '--prometheus-port'),
      alertmanagerPort: port(values, 'alertmanagerPort', '--alertmanager-port'),
      example: !flag(values, 'noExample'),
      advertiseAddress: text(values, 'advertiseAddr'),
    };
    const plan = await planUp(settings, context);
    if (flag(values, 'dryRun')) return { result: { plan }, summary: renderPlan(plan) };
    const makeToken = (data: string, user: string, rights: string) =>
      addToken(data, user, parseRights(rights), context.clock);
    // With --json standard output belongs to the result.
    const telling = flag(values, 'json') ? { ...context, stdout: context.stderr } : context;
    const result = await bringUp(settings, plan, makeToken, telling);
    return { result, summary: renderUp(result) };
  },
};

function port(values: Values, name: string, option: string): number {
  const value = values[name] as number;
  return value >= 1 && value <= 65_535 ? value : fail('USAGE_INVALID', `${option} is ${value}; 1 to 65535 is allowed`);
}

export default command;
