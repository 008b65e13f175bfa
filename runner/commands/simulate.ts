import type { Context } from '../common/context';
import { fail, messageOf } from '../common/errors';
import type { Command, CommandResult, Values } from './command';
import { text } from './shared';

const command: Command = {
  name: 'simulate',
  describe: 'Run the decisions of scaling over a load curve, recorded or made up, and print what they would have done',
  examples: [
    ['homeostat simulate --curve "sine mean=300 amplitude=200 noise=10"', 'A made-up curve'],
    [
      'homeostat simulate load.csv --up-at 80 --down-at 40 --maximum 12',
      'A recorded one, a time and a load on each line',
    ],
  ],
  options: {
    file: { type: 'string', describe: 'A recorded load curve: a file of time,load' },
    curve: {
      type: 'string',
      describe:
        'A made-up one: constant, sine or step, with mean, amplitude, period, duration, noise, from, to, at, seed',
    },
    'up-at': { type: 'number', describe: 'Load per replica above which it is to grow', default: 100 },
    'down-at': { type: 'number', describe: 'Load per replica below which it is to shrink', default: 50 },
    replicas: { type: 'number', describe: 'Replicas at the begin', default: 2 },
    for: { type: 'number', describe: 'Seconds until an alert fires', default: 30 },
    minimum: { type: 'number', describe: 'Fewest replicas', default: 1 },
    maximum: { type: 'number', describe: 'Most replicas', default: 10 },
  },
  positional: ['file'],
  run,
};

export default command;

/** Seconds over which Prometheus averages, between its looks, and until a new replica takes load. */
const simulatedTimes = { window: 30, interval: 5, startup: 10 };

async function run(context: Context, values: Values): Promise<CommandResult> {
  const [
    { simulate },
    { makeCurve, parseCurve },
    { renderSimulation },
    { limitsFor },
    { scalingSettings },
    { defaultLabelSettings },
  ] = await Promise.all([
    import('../scaling/simulate'),
    import('../scaling/curve'),
    import('../scaling/render-simulation'),
    import('../scaling/limits'),
    import('../scaling/settings'),
    import('../labels/description'),
  ]);
  const file = text(values, 'file');
  const curve =
    file === undefined
      ? makeCurve(text(values, 'curve') ?? fail('USAGE_INVALID', 'give a file of time,load, or --curve'))
      : parseCurve(await readFileText(file, context), file);
  const settings = scalingSettings(context.env, defaultLabelSettings.prefix);
  const number = (name: string) => values[name] as number;
  if (number('minimum') > number('maximum'))
    fail('USAGE_INVALID', `--minimum is ${number('minimum')}; allowed is at most --maximum, ${number('maximum')}`);
  const { prefix } = settings.labels;
  const labels = { [`${prefix}scaleMin`]: String(number('minimum')), [`${prefix}scaleMax`]: String(number('maximum')) };
  const simulated = simulate(curve, {
    limits: limitsFor('service', labels, settings).limits,
    threshold: { up: number('upAt'), down: number('downAt') },
    for: number('for'),
    replicas: number('replicas'),
    ...simulatedTimes,
  });
  const { changes, flips, steps } = simulated;
  return { result: { changes: [...changes].reverse(), flips, steps }, summary: renderSimulation(simulated) };
}

async function readFileText(file: string, { cwd }: Context): Promise<string> {
  const [{ readFile }, path] = await Promise.all([import('node:fs/promises'), import('node:path')]);
  return readFile(path.resolve(cwd, file), 'utf8').catch((error: unknown) =>
    fail('USAGE_INVALID', `${file} cannot be read`, { cause: messageOf(error) }),
  );
}
