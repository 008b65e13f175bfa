import { systemClock } from '../../runner/common/clock';
import { createLogger } from '../../runner/common/log';
import { createMasker } from '../../runner/common/mask';
import { JenkinsClient } from '../../runner/jenkins/client';

/** What one batch of builds took, and what the client then holds. */
export interface Batch {
  milliseconds: number[];
  heap: number;
  resident: number;
}

/** A client in a process of its own, so that what it holds can be told from what the job server holds. */
async function builds(url: string, token: string, count: number, batch: number): Promise<void> {
  const masker = createMasker();
  const stream = { write: () => true };
  const context = {
    ...{ env: {}, cwd: '/', stdout: stream, stderr: stream, clock: systemClock, log: createLogger(stream, masker) },
    ...{ masker, signal: new AbortController().signal, runnerFile: '', version: '' },
  };
  const client = new JenkinsClient({ url, user: 'tester', token }, context);
  for (let done = 0; done < count; done += batch) {
    const milliseconds: number[] = [];
    for (let each = 0; each < batch; each++) {
      const start = performance.now();
      const parameters = { service: 'shop', scale: 'up', id: `${done + each}` };
      const number = await client.started(await client.trigger('service-scale', parameters));
      const { result } = await client.follow('service-scale', number, () => undefined);
      if (result !== 'SUCCESS') throw new Error(`build ${number} ended as ${result}`);
      milliseconds.push(performance.now() - start);
    }
    globalThis.gc!();
    const { heapUsed, rss } = process.memoryUsage();
    process.send!({ milliseconds, heap: heapUsed / 2 ** 20, resident: rss / 2 ** 20 } satisfies Batch);
  }
}

const [url, token, count, batch] = process.argv.slice(2);
builds(url!, token!, Number(count), Number(batch)).then(
  () => process.disconnect(),
  (error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exit(1);
  },
);
