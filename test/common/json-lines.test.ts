import { Readable } from 'node:stream';
import fc from 'fast-check';
import t from 'tap';
import { jsonLines } from '../../runner/common/json-lines';
import { failureOf, holds } from './support';

const read = async (chunks: Iterable<Buffer>) => {
  const documents: unknown[] = [];
  for await (const document of jsonLines(Readable.from(chunks, { objectMode: false }))) documents.push(document);
  return documents;
};

t.test('a line that is no JSON object is an error of the table that shows the line', async (t) => {
  for (const line of ['<html>502 Bad Gateway</html>', '{"a":', 'null', '[1]', '"text"', '7']) {
    const error = await failureOf(() => read([Buffer.from(`{"ok":1}\n${line}\n`)]));
    t.equal(error.code, 'ENGINE_FAILED');
    t.equal(error.causeText, `the line begins with ${JSON.stringify(line)}`);
  }
  t.equal((await failureOf(() => read([Buffer.from('{"ok":1}\n'), Buffer.from([0xe2, 0x82])]))).code, 'ENGINE_FAILED');
  const long = await failureOf(() => read([Buffer.from('x'.repeat(10_000))]));
  t.ok(long.causeText!.length < 200, 'not all of a long one');
});

t.test('a stream that breaks off is an error', async (t) => {
  const stream = Readable.from(
    (function* () {
      yield Buffer.from('{"a":1}\n{"b"');
      throw new Error('aborted');
    })(),
    { objectMode: false },
  );
  const documents: unknown[] = [];
  const work = async () => {
    for await (const document of jsonLines(stream)) documents.push(document);
  };
  await t.rejects(work(), { message: 'aborted' });
  t.same(documents, [{ a: 1 }], 'after what came whole');
});

t.test('wherever the bytes are cut, the documents are the same', async (t) => {
  const documents = [{ a: 'grüße 🚀' }, {}, { b: { c: [1, null, '\n'] } }];
  for (const end of ['\n', '', '\r\n', '\n\n \n']) {
    const bytes = Buffer.from(documents.map((document) => JSON.stringify(document)).join('\r\n') + end);
    await holds(
      t,
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 10 }), async (cuts) => {
        const places = [...new Set([0, ...cuts, bytes.length])].sort((a, b) => a - b);
        const chunks = places.slice(1).map((place, index) => bytes.subarray(places[index], place));
        return JSON.stringify(await read(chunks)) === JSON.stringify(documents);
      }),
      { numRuns: 50 },
    );
  }
});

t.test('an empty stream has no documents', async (t) => t.same(await read([]), []));
