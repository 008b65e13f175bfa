import type { Context } from '../common/context';
import { request, requestStream, type Engine } from '../common/engine';
import { messageOf } from '../common/errors';
import { findService, listTasks } from './services';

/** Milliseconds for one log; an Engine that is in trouble must not delay the error. */
const readingLimit = 5000;
const longestLine = 1000;

/** The last log lines of a service's tasks: what a person would look at first. */
export async function lastLines(engine: Engine, service: string, context: Context, count = 10): Promise<string[]> {
  try {
    const found = await findService(engine, service, context);
    if (!found) return [];
    const logged = await readLog(engine, `/services/${found.ID}/logs`, count);
    const own = await containersSaid(engine, found.ID, logged.length === 0, count, context);
    const lines = [...logged, ...own.logged].slice(-count).map((line) => `${service} said: ${line}`);
    return [...lines, ...own.health.map((line) => `health check of ${service} said: ${line}`)].map((line) =>
      context.masker(line).slice(0, longestLine),
    );
  } catch (error) {
    return [`${service}: its log could not be read: ${messageOf(error)}`];
  }
}

/**
 * What only the Engine of the container knows: the output of a health check that fails, and the log of a task that is
 * still starting, which the Swarm does not hand out. Containers of other nodes are passed over.
 */
async function containersSaid(engine: Engine, serviceId: string, logs: boolean, count: number, context: Context) {
  const tasks = await listTasks(engine, [serviceId], context);
  const ids = tasks.flatMap(({ Status }) => Status.ContainerStatus?.ContainerID || []);
  const all = await Promise.all(
    ids.map(async (id) => ({
      health: await healthOutput(engine, id),
      logged: logs ? await readLog(engine, `/containers/${id}/logs`, count).catch(() => []) : [],
    })),
  );
  return {
    health: [...new Set(all.flatMap(({ health }) => health))].slice(-count),
    logged: all.flatMap(({ logged }) => logged),
  };
}

interface Health {
  Status: string;
  Log?: { ExitCode: number; Output: string }[] | null;
}

async function healthOutput(engine: Engine, container: string): Promise<string[]> {
  const found = await request<{ State?: { Health?: Health } }>(engine, 'GET', `/containers/${container}/json`).catch(
    () => undefined,
  );
  const last = found?.State?.Health?.Log?.filter((each) => each.ExitCode !== 0).at(-1);
  return last ? linesOf(last.Output).slice(0, 3) : [];
}

const linesOf = (text: string) => text.split('\n').filter((line) => line.trim());

async function readLog(engine: Engine, path: string, count: number): Promise<string[]> {
  const stream = await requestStream(engine, 'GET', path, {
    query: { stdout: 1, stderr: 1, tail: count },
    signal: AbortSignal.timeout(readingLimit),
  });
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return linesOf(textOfFrames(Buffer.concat(chunks))).slice(-count);
}

function textOfFrames(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at + 8 <= bytes.length;) {
    const end = at + 8 + bytes.readUInt32BE(at + 4);
    text += bytes.subarray(at + 8, end).toString();
    at = end;
  }
  return text;
}
