import type { Clock } from '../common/clock';
import { printable, type Logger, type TextStream } from '../common/log';
import type { BuildEvent } from './buildkit/trace';

export interface Progress {
  event(event: BuildEvent): void;
  end(): void;
}

/** One plain line for each step and each line of output: for logs. */
export function plainProgress(log: Logger): Progress {
  return {
    event(event) {
      if (event.kind === 'started' && !internal(event.name)) log.info(`#${event.step} ${event.name}`);
      if (event.kind === 'output') log.output(`#${event.step} | `, event.text);
      if (event.kind === 'failed') log.error(`#${event.step} ${event.name}: ${event.error}`);
      if (event.kind === 'done' && !internal(event.name))
        log.info(`#${event.step} ${event.cached ? 'cached' : `done in ${event.seconds.toFixed(1)}s`}`);
    },
    end: () => undefined,
  };
}

const internal = (name: string) => name.startsWith('[internal]');
const windowLines = 6;

/** Finished steps as lines that stay, running ones with their last output below, redrawn in place: for terminals. */
export function liveProgress(stream: TextStream, clock: Clock, mask: (text: string) => string): Progress {
  const running = new Map<number, { name: string; start: number; last: string }>();
  let drawn = 0;
  const clear = () => {
    if (drawn > 0) stream.write(`\u001b[${drawn}A\u001b[0J`);
    drawn = 0;
  };
  const width = () => Math.max(40, stream.columns ?? 80) - 1;
  // What is drawn over has to be counted: a step that is a heredoc has several lines.
  const line = (text: string) =>
    stream.write(
      `${printable(mask(text))
        .replaceAll(/[\n\t]+/g, ' ')
        .slice(0, width())}\n`,
    );
  const draw = () => {
    for (const [, { name, start, last }] of [...running].slice(-windowLines)) {
      line(`  ${((clock.monotonic() - start) / 1000).toFixed(0).padStart(3)}s ${name}${last ? `  ${last}` : ''}`);
      drawn++;
    }
  };
  return {
    event(event) {
      clear();
      if (event.kind === 'started') running.set(event.step, { name: event.name, start: clock.monotonic(), last: '' });
      if (event.kind === 'output') {
        const step = running.get(event.step);
        if (step) step.last = event.text.trim().split('\n').pop() ?? '';
      }
      if (event.kind === 'done') {
        running.delete(event.step);
        if (!internal(event.name))
          line(`✔ ${event.name} ${event.cached ? '(cached)' : `${event.seconds.toFixed(1)}s`}`);
      }
      if (event.kind === 'failed') {
        running.delete(event.step);
        line(`✘ ${event.name}: ${event.error}`);
      }
      draw();
    },
    end: clear,
  };
}
