import { fail } from '../common/errors';
import { didYouMean } from '../common/suggest';
import type { Sample } from './simulate';

const mostSamples = 200_000;

/**
 * A recorded load curve: two columns, seconds (or times, RFC 3339) and load per second; a first line of names is left out.
 * @throws USAGE_INVALID naming the line
 */
export function parseCurve(text: string, file: string): Sample[] {
  const lines = text.split(/\r?\n/).map((line, index) => ({ line: line.trim(), number: index + 1 }));
  const samples = lines
    .filter(({ line, number }) => line !== '' && !line.startsWith('#') && !(number === 1 && /^[a-z]/i.test(line)))
    .map(({ line, number }): Sample => {
      const [first = '', second = ''] = line.split(/[,;\t]/).map((field) => field.trim());
      const time = /^\d{4}-/.test(first) ? Date.parse(first) / 1000 : Number(first || Number.NaN);
      const load = Number(second || Number.NaN);
      if (Number.isFinite(time) && Number.isFinite(load) && load >= 0) return { time, load };
      return fail('USAGE_INVALID', `${file}, line ${number}: '${line.slice(0, 80)}' is not a time and a load`, {
        remedy: 'Write for example 0,120.5 or 2026-01-31T12:00:00Z,120.5 on each line.',
      });
    });
  const backwards = samples.findIndex(({ time }, index) => index > 0 && time < samples[index - 1]!.time);
  if (samples.length < 2 || backwards > 0 || samples.length > mostSamples)
    fail('USAGE_INVALID', `${file} is no load curve`, {
      cause: backwards > 0 ? `time goes back at sample ${backwards + 1}` : `it has ${samples.length} samples`,
      remedy: `Give 2 to ${mostSamples} samples, the oldest first.`,
    });
  return samples;
}

/** What a made-up curve is made of; time in seconds, noise in percent. */
const defaults = {
  mean: 100,
  amplitude: 50,
  period: 3600,
  duration: 7200,
  noise: 0,
  from: 50,
  to: 150,
  at: 1800,
  seed: 1,
};
type Parameter = keyof typeof defaults;

const shapes: Record<string, (time: number, values: typeof defaults) => number> = {
  constant: (_, { mean }) => mean,
  sine: (time, { mean, amplitude, period }) => mean + amplitude * Math.sin((2 * Math.PI * time) / period),
  step: (time, { from, to, at }) => (time < at ? from : to),
};

const resolution = 5;

/**
 * A made-up curve, such as `sine mean=100 amplitude=50 period=3600 noise=10`: the same words give the same curve.
 * @throws USAGE_INVALID
 */
export function makeCurve(text: string): Sample[] {
  const [name = '', ...words] = text.trim().split(/\s+/);
  const shape = Object.hasOwn(shapes, name) ? shapes[name] : undefined;
  if (!shape) {
    const names = Object.keys(shapes);
    fail(
      'USAGE_INVALID',
      `--curve is '${name.slice(0, 40)}'${didYouMean(name, names)}; allowed is ${names.join(', ')}`,
    );
  }
  const values = { ...defaults };
  for (const word of words) {
    const [, key, number] = /^([a-z]+)=(\d{1,9}(?:\.\d{1,6})?)%?$/.exec(word) ?? [];
    if (key === undefined || !Object.hasOwn(defaults, key))
      fail('USAGE_INVALID', `--curve has '${word.slice(0, 40)}'; allowed is ${Object.keys(defaults).join('=N, ')}=N`);
    values[key as Parameter] = Number(number);
  }
  if (values.period === 0 || values.duration / resolution > mostSamples)
    fail('USAGE_INVALID', `--curve: period must not be 0, and duration at most ${mostSamples * resolution} seconds`);
  const random = generator(values.seed);
  const samples: Sample[] = [];
  for (let time = 0; time <= values.duration; time += resolution) {
    const noise = 1 + ((random() * 2 - 1) * values.noise) / 100;
    samples.push({ time, load: Math.max(0, shape(time, values) * noise) });
  }
  return samples;
}

/** Numbers from 0 to 1 that look random and are the same each time (mulberry32). */
export function generator(seed: number): () => number {
  let state = Math.trunc(seed);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}
