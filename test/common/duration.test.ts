import fc from 'fast-check';
import t from 'tap';
import { formatDuration, parseDuration, requireDuration } from '../../runner/common/duration';
import { failureOf, holds } from './support';

t.test('what is no duration is refused', async (t) => {
  const wrong = [
    '',
    ' ',
    'soon',
    '-1s',
    '1,5s',
    '1 s',
    '1S',
    's',
    '5x',
    '1e3',
    '1s2',
    '.5s',
    '5.s',
    '٣s',
    '1s\n',
    '0x10',
  ];
  for (const text of wrong) t.equal(parseDuration(text), undefined, JSON.stringify(text));
  for (const number of [-1, NaN, Infinity, 1e308]) t.equal(parseDuration(number), undefined, String(number));
  t.equal(parseDuration('9'.repeat(400)), undefined, 'more than a number can hold');
  t.equal(parseDuration(`${'9'.repeat(400)}d`), undefined);
  const error = await failureOf(() => requireDuration('--deadline', 'soon'));
  t.match(error, { code: 'USAGE_INVALID', exit: 2, message: "--deadline is 'soon', which is not a duration" });
});

t.test('durations are read to the millisecond', async (t) => {
  const table: [string | number, number][] = [
    ['500ms', 500],
    ['90s', 90_000],
    ['1m30s', 90_000],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
    ['1d1h1m1s1ms', 90_061_001],
    ['0', 0],
    ['90', 90_000],
    ['0.25', 250],
    [90, 90_000],
    [0.0004, 0],
  ];
  for (const [text, milliseconds] of table) t.equal(parseDuration(text), milliseconds, String(text));
});

t.test('what people are shown reads back as the same time, as exactly as it is shown', async (t) => {
  await holds(
    t,
    fc.property(fc.double({ min: 0, max: 1e10, noNaN: true }), (milliseconds) => {
      const shown = formatDuration(milliseconds);
      const step = milliseconds < 999.5 ? 1 : milliseconds < 59_950 ? 100 : 1000;
      return Math.abs(parseDuration(shown)! - milliseconds) <= step / 2 + 0.001;
    }),
  );
  t.same([999.4, 999.6, 59_949, 59_960, 3_600_000].map(formatDuration), ['999ms', '1.0s', '59.9s', '1m00s', '60m00s']);
});
