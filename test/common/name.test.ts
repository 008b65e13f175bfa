import fc from 'fast-check';
import t from 'tap';
import { isName, requireName } from '../../runner/common/name';
import { failureOf, holds } from './support';

t.test('what could leave its place in a path, a label or a command is no name', async (t) => {
  const wrong = ['', '-a', '_a', 'A', 'a b', 'a/b', '..', 'a.b', 'a\n', '$(id)', 'ä', 'a'.repeat(64), "a'", 'a\0'];
  for (const text of wrong) t.notOk(isName(text), JSON.stringify(text));
  for (const text of ['a', '0', 'a-b_c', 'a'.repeat(63)]) t.ok(isName(text), text);
});

t.test('the error names the key and not more of the value than fits', async (t) => {
  const error = await failureOf(() => requireName('X'.repeat(500), '--stack'));
  t.equal(error.code, 'NAME_INVALID');
  t.equal(error.message, `--stack '${'X'.repeat(80)}' is not a legal name`);
});

t.test('a name is a word of letters, digits, - and _', async (t) => {
  await holds(
    t,
    fc.property(fc.string(), (text) => !isName(text) || encodeURIComponent(text) === text),
  );
});
