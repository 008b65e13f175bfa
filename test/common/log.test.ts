import fc from 'fast-check';
import t from 'tap';
import { createLogger, printable } from '../../runner/common/log';
import { createMasker } from '../../runner/common/mask';
import { holds } from './support';

function logged(use: (log: ReturnType<typeof createLogger>) => void, secrets: string[] = [], debug = false): string {
  let text = '';
  use(createLogger({ write: (written) => (text += written) }, createMasker(secrets), { debug }));
  return text;
}

t.test('no text from outside can drive the terminal', async (t) => {
  const text = 'a\u001b[2J\u001b]0;title\u0007b\u009b1A\u0000c\u2028d\u202eexe.txt\u2066';
  t.notMatch(printable(text), /[^\x20-\x7e]/);
  await holds(
    t,
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      return !/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/.test(printable(text)); // eslint-disable-line no-control-regex
    }),
  );
});

t.test('letters of all languages, tabs and line ends stay', async (t) => {
  t.equal(printable('grüße\t日本語 🚀\nيوم'), 'grüße\t日本語 🚀\nيوم');
  t.equal(printable('\u001b[31mred\u001b[0m\r\n'), 'red\n', 'colours and carriage returns go');
});

t.test('no text from outside can pass for a message of its own', async (t) => {
  const forged = 'harmless\nerror: forged\r\nwarning: forged\rerror: forged\n';
  for (const level of ['info', 'warn', 'error'] as const)
    for (const line of logged((log) => log[level](forged))
      .split('\n')
      .slice(1, -1))
      t.match(line, /^ {2}/);
  for (const line of logged((log) => log.output('#1 | ', forged))
    .split('\n')
    .slice(0, -1))
    t.match(line, /^#1 \| /);
});

t.test('a secret does not get through because of a control character in or around it', async (t) => {
  const secrets = ['open\u0007sesame', 'first line\r\nsecond line'];
  const text = logged((log) => secrets.forEach((secret) => log.info(`x ${secret} y`)), secrets);
  t.notMatch(text, /sesame|first|second/);
  t.equal(text, 'x **** y\nx **** y\n');
  t.equal(
    logged((log) => log.info('open\u001b[31msesa\rme'), ['opensesame']),
    '****\n',
  );
});

t.test('levels are marked, and details are told only when they are wanted', async (t) => {
  const all = (log: ReturnType<typeof createLogger>) => {
    for (const level of ['debug', 'info', 'warn', 'error'] as const) log[level]('x');
  };
  t.equal(logged(all), 'x\nwarning: x\nerror: x\n');
  t.equal(logged(all, [], true), '·x\nx\nwarning: x\nerror: x\n');
});

t.test('output of another program keeps its empty lines, but not its last line end', async (t) => {
  t.equal(
    logged((log) => log.output('| ', 'a\n\nb\n')),
    '| a\n| \n| b\n',
  );
});
