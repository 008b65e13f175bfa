import type { Simulated, Step } from './simulate';

const width = 72;
const height = 10;

/** The decisions of a simulation and a plot of load and replicas. */
export function renderSimulation({ steps, changes, flips }: Simulated): string {
  if (steps.length === 0) return 'the curve is empty';
  const begin = steps[0]!.time;
  const told = steps.filter(({ decision }, index) => {
    const before = steps[index - 1]?.decision;
    return decision !== undefined && (decision.verdict === 'scale' || decision.verdict !== before?.verdict);
  });
  return [
    ...plot('load', steps, ({ load }) => load),
    ...plot('replicas', steps, ({ replicas }) => replicas),
    '',
    ...told
      .slice(0, 200)
      .map(({ time, decision }) => `${clock(time - begin)}  ${decision!.verdict}: ${decision!.reason}`),
    '',
    `${changes.length} changes, ${flips} of them in the other direction than the one before`,
  ].join('\n');
}

function plot(name: string, steps: Step[], value: (step: Step) => number): string[] {
  const columns = Array.from({ length: Math.min(width, steps.length) }, (_, column) => {
    const from = Math.floor((column * steps.length) / Math.min(width, steps.length));
    return value(steps[from]!);
  });
  const top = Math.max(...steps.map(value), Number.MIN_VALUE);
  const levels = columns.map((each) => Math.round((each / top) * height));
  const rows = Array.from({ length: height }, (_, row) => {
    const level = height - row;
    const scale = row === 0 ? top.toFixed(top < 10 ? 1 : 0) : '';
    return `${scale.padStart(8)} │${levels.map((each) => (each >= level ? '█' : ' ')).join('')}`;
  });
  return [name, ...rows, `${'0'.padStart(8)} └${'─'.repeat(columns.length)}`];
}

function clock(seconds: number): string {
  const pad = (value: number) => String(Math.floor(value)).padStart(2, '0');
  return `${pad(seconds / 3600)}:${pad((seconds / 60) % 60)}:${pad(seconds % 60)}`;
}
