import t from 'tap';
import { createLogger } from '../../runner/common/log';
import { createMasker } from '../../runner/common/mask';
import type { BuildEvent } from '../../runner/image/buildkit/trace';
import { liveProgress, plainProgress } from '../../runner/image/progress';
import { handMadeClock } from '../common/support';

const build: BuildEvent[] = [
  { kind: 'started', step: 1, name: '[internal] load build definition' },
  { kind: 'done', step: 1, name: '[internal] load build definition', seconds: 0.01, cached: false },
  { kind: 'started', step: 2, name: 'RUN make' },
  { kind: 'output', step: 2, text: 'compiling\nlinking opensesame\n' },
  { kind: 'done', step: 2, name: 'RUN make', seconds: 1.26, cached: false },
  { kind: 'done', step: 3, name: 'COPY . .', seconds: 0, cached: true },
  { kind: 'started', step: 4, name: 'RUN test' },
  { kind: 'failed', step: 4, name: 'RUN test', error: 'exit code: 1' },
];
const masker = createMasker(['opensesame']);

t.test('a log gets plain lines: steps, their output, and how they ended', async (t) => {
  let text = '';
  const progress = plainProgress(createLogger({ write: (line) => (text += line) }, masker));
  build.forEach((event) => progress.event(event));
  progress.end();
  t.same(text.split('\n'), [
    '#2 RUN make',
    '#2 | compiling',
    '#2 | linking ****',
    '#2 done in 1.3s',
    '#3 cached',
    '#4 RUN test',
    'error: #4 RUN test: exit code: 1',
    '',
  ]);
});

/** What is on a screen after this was written to it; understands just what the live progress writes. */
function screenOf(written: string): string[] {
  let lines: string[] = [];
  // eslint-disable-next-line no-control-regex
  for (const [, up, line] of written.matchAll(/\u001b\[(\d+)A\u001b\[0J|([^\n]*)\n/g)) {
    if (up) lines = lines.slice(0, -Number(up));
    else lines.push(line!);
  }
  return lines;
}

function terminal(columns = 60) {
  let written = '';
  const clock = handMadeClock();
  const stream = { write: (text: string) => (written += text), isTTY: true, columns };
  return {
    progress: liveProgress(stream, clock, masker),
    clock,
    written: () => written,
    screen: () => screenOf(written),
  };
}

t.test('a terminal keeps finished steps, and shows the running ones below with their last line', async (t) => {
  const { progress, clock, screen } = terminal();
  build.slice(0, 4).forEach((event) => progress.event(event));
  t.same(screen(), ['    0s RUN make  linking ****']);
  await clock.sleep(3000);
  progress.event({ kind: 'started', step: 5, name: 'RUN other' });
  t.same(screen(), ['    3s RUN make  linking ****', '    0s RUN other']);
  build.slice(4).forEach((event) => progress.event(event));
  t.same(screen(), ['✔ RUN make 1.3s', '✔ COPY . . (cached)', '✘ RUN test: exit code: 1', '    0s RUN other']);
  progress.end();
  t.same(screen(), ['✔ RUN make 1.3s', '✔ COPY . . (cached)', '✘ RUN test: exit code: 1'], 'nothing half done stays');
});

t.test('names of several lines, long ones and control characters do not break the picture', async (t) => {
  const { progress, screen, written } = terminal(40);
  progress.event({ kind: 'started', step: 1, name: 'RUN <<EOF\necho one\necho two\nEOF' });
  progress.event({ kind: 'started', step: 2, name: `RUN ${'x'.repeat(100)}` });
  progress.event({ kind: 'output', step: 1, text: '\u001b[2J\u001b[31m10%\r20%' });
  progress.event({ kind: 'done', step: 2, name: 'RUN x\n\u001b[1A', seconds: 1, cached: false });
  t.same(screen(), ['✔ RUN x \\x1b[1A 1.0s', screen()[1]!]);
  t.ok(screen().every((line) => line.length < 40));
  progress.end();
  t.equal(screen().length, 1);
  t.notMatch(written().replaceAll(/\u001b\[\d+A\u001b\[0J/g, ''), '\u001b'); // eslint-disable-line no-control-regex
});

t.test('of many steps at once only the newest are shown', async (t) => {
  const { progress, screen } = terminal();
  for (let step = 1; step <= 50; step++) progress.event({ kind: 'started', step, name: `RUN ${step}` });
  t.equal(screen().length, 6);
  t.match(screen().at(-1), 'RUN 50');
});
