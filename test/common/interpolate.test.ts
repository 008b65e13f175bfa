import fc from 'fast-check';
import t from 'tap';
import { interpolate } from '../../runner/common/interpolate';
import { holds } from './support';

const env = { X: 'val', E: '', UNDEFINED: undefined };

t.test('a text that the docker client refuses is told as such', async (t) => {
  for (const text of ['$', 'a$', '$1', '${', '${}', '${1}', '${X', '${X:d}', '${X:+d}', '${X+d}', '${X }', '$é', '$ X'])
    t.ok(interpolate(text, env).illegal, text);
});

t.test('variables without value are listed, each with its message', async (t) => {
  const table: [string, string[]][] = [
    ['$U', ['U']],
    ['${U}/${V}', ['U', 'V']],
    ['${UNDEFINED}', ['UNDEFINED']],
    ['${E:?must be set}', ['E (must be set)']],
    ['${U?m}', ['U (m)']],
    ['${toString}', ['toString']],
    ['${X:?a-b}', ["X:?a-b (the docker client takes 'X:?a' for the name)"]],
  ];
  for (const [text, unresolved] of table) t.same(interpolate(text, env).unresolved, unresolved, text);
});

/** What `docker stack config` of Docker 28.2 makes of these, X being val, E empty and U not set. */
const docker: [string, string][] = [
  ['$X', 'val'],
  ['${X}', 'val'],
  ['a$X.b', 'aval.b'],
  ['$X}', 'val}'],
  ['$X:d', 'val:d'],
  ['${E}', ''],
  ['${U:-d}', 'd'],
  ['${E:-d}', 'd'],
  ['${E-d}', ''],
  ['${U-d}', 'd'],
  ['${X:-d}', 'val'],
  ['${X:?m}', 'val'],
  ['${E?m}', ''],
  ['${U:-}', ''],
  ['${U:-a-b}', 'a-b'],
  ['${U:-a?b}', 'a?b'],
  ['${U:-a:-b}', 'a:-b'],
  ['${U:-$X}', '$X'],
  ['${U:-${X}}', '${X}'],
  ['$$', '$'],
  ['$$X', '$X'],
  ['$${X}', '${X}'],
  ['$$$X', '$val'],
  ['$X-d', 'val'],
  ['$X-a}b', 'val}b'],
  ['$U-d e', 'd e'],
  ['$X?m', 'val'],
];

t.test('it gives what the docker client gives', async (t) => {
  for (const [text, expected] of docker)
    t.same(interpolate(text, env), { text: expected, unresolved: [], illegal: false }, text);
  t.equal(interpolate('${U:?a-b}', env).text, 'b', 'its oddities included');
  t.equal(interpolate('${U-a:-b}', env).text, 'b');
});

t.test('a text without $ is left as it is', async (t) => {
  const text = fc.string({ unit: 'binary' }).filter((text) => !text.includes('$'));
  await holds(
    t,
    fc.property(text, (text) => {
      const result = interpolate(text, env);
      return result.text === text && result.unresolved.length === 0 && !result.illegal;
    }),
  );
});

t.test('a value is never read again', async (t) => {
  await holds(
    t,
    fc.property(fc.string(), (value) => interpolate('${X}|${U:-d}|$X', { X: value }).text === `${value}|d|${value}`),
  );
});

t.test('a text whose every $ is doubled comes out as it was', async (t) => {
  await holds(
    t,
    fc.property(fc.string({ unit: fc.constantFrom('$', '{', '}', 'X', '-', ':', '?', ' ') }), (text) => {
      const result = interpolate(text.replaceAll('$', '$$$$'), env);
      return result.text === text && !result.illegal && result.unresolved.length === 0;
    }),
  );
});
