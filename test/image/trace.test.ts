import fc from 'fast-check';
import t from 'tap';
import { encodeMessage } from '../../runner/image/buildkit/messages';
import { createTraceReader } from '../../runner/image/buildkit/trace';
import { holds } from '../common/support';

const time = (seconds: number, nanos = 0) => ({ seconds, nanos });
const message = (value: object) =>
  encodeMessage('StatusResponse', { vertexes: [], statuses: [], logs: [], ...value }).toString('base64');
const step = (name: string, more: object = {}) => ({ digest: `sha256:${name}`, name, ...more });

t.test('a step that fails is told once, with its error, and not as done', async (t) => {
  const read = createTraceReader();
  const started = step('RUN make', { started: time(1) });
  const failed = { ...started, completed: time(2), error: 'exit code: 2' };
  const expected = { kind: 'failed', step: 1, name: 'RUN make', error: 'exit code: 2' };
  t.same(read(message({ vertexes: [started] })), [{ kind: 'started', step: 1, name: 'RUN make' }]);
  t.same(read(message({ vertexes: [failed] })), [expected]);
  t.same(read(message({ vertexes: [failed, started] })), [], 'however often BuildKit repeats it');
});

t.test('a step that is stopped before it ended counts as failed', async (t) => {
  const events = createTraceReader()(
    message({ vertexes: [step('a', { started: time(1), error: 'context canceled' })] }),
  );
  t.same(events.at(-1), { kind: 'failed', step: 1, name: 'a', error: 'context canceled' });
});

t.test('steps have a number each, and say how long they took or that they were cached', async (t) => {
  const read = createTraceReader();
  const vertexes = [
    step('a', { started: time(10), completed: time(11, 5e8) }),
    step('b', { cached: true, completed: time(11) }),
    step('c'),
  ];
  t.same(read(message({ vertexes })), [
    { kind: 'started', step: 1, name: 'a' },
    { kind: 'done', step: 1, name: 'a', seconds: 1.5, cached: false },
    { kind: 'done', step: 2, name: 'b', seconds: 0, cached: true },
  ]);
  t.same(read(message({ vertexes: [step('c', { started: time(12) })] })), [{ kind: 'started', step: 3, name: 'c' }]);
});

t.test('output comes between the start and the end of its step, also of one not heard of before', async (t) => {
  const read = createTraceReader();
  const logs = [
    { vertex: 'sha256:a', msg: Buffer.from('grüße\n') },
    { vertex: 'sha256:z', msg: Buffer.from('?') },
  ];
  const kinds = read(message({ vertexes: [step('a', { started: time(1), completed: time(2) })], logs }));
  t.same(
    kinds.map(({ kind, step }) => `${kind} ${step}`),
    ['started 1', 'output 1', 'output 2', 'done 1'],
  );
  t.match(kinds[1], { text: 'grüße\n' });
});

t.test('however the messages are cut up, each step starts once at most and ends once at most', async (t) => {
  const vertex = fc.record({
    digest: fc.constantFrom('a', 'b', 'c'),
    name: fc.string(),
    started: fc.option(fc.constant(time(1)), { nil: undefined }),
    completed: fc.option(fc.constant(time(2)), { nil: undefined }),
    error: fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
  });
  await holds(
    t,
    fc.property(fc.array(fc.array(vertex, { maxLength: 3 }), { maxLength: 5 }), (messages) => {
      const read = createTraceReader();
      const events = messages.flatMap((vertexes) => read(message({ vertexes })));
      return [1, 2, 3].every((number) => {
        const kinds = events.filter((event) => event.step === number).map(({ kind }) => kind);
        return (
          kinds.filter((kind) => kind === 'started').length <= 1 &&
          kinds.filter((kind) => kind !== 'started').length <= 1
        );
      });
    }),
  );
});
