import type { Context } from '../common/context';
import { messageOf } from '../common/errors';
import type { ContainerFacts } from './container-facts';
import type { Containers } from './containers';
import { readEngineStats } from './engine-stats';
import { EngineRefusal, type LocalEngine } from './local-engine';
import type { NodeFiles } from './node-files';
import type { Reading } from './reading';

/** All containers of the node at one moment. */
export interface NodeReading {
  up: boolean;
  /** Seconds since 1970. */
  at: number;
  /** Seconds that the reading took. */
  seconds: number;
  read: { container: ContainerFacts; reading: Reading }[];
  /** Containers by where they are read. */
  sources: { files: number; engine: number };
  /** Those that gave no answer. */
  unread: number;
}

/** Milliseconds that one container has, less than Prometheus waits for all. */
const containerLimit = 5000;
/** The Engine takes about a second for each answer, so many have to be asked at once. */
const atOnce = 64;
/** Containers whose files are read without a pause: about 5 ms. */
const slice = 25;

/** Reads all containers of the node. */
export class Readings {
  private warned = false;

  constructor(
    private readonly engine: LocalEngine,
    private readonly containers: Containers,
    private readonly files: NodeFiles,
    private readonly context: Context,
  ) {}

  /** Takes as long as the slowest container, and no longer than six seconds for each 64 that the Engine has to be asked about. */
  async read(): Promise<NodeReading> {
    const { clock } = this.context;
    const start = clock.monotonic();
    const all = this.containers.list();
    const waiting = all.filter(({ pid }) => pid === 0);
    const running = all.filter(({ pid }) => pid > 0);
    const asked = running.filter((container) => !this.files.covers(container));
    const covered = running.filter((container) => this.files.covers(container));
    this.warn(asked.length);
    const read: NodeReading['read'] = waiting.map((container) => ({ container, reading: { interfaces: [] } }));
    let unread = 0;
    for (const [index, container] of covered.entries()) {
      const reading = this.files.read(container);
      if (reading) read.push({ container, reading });
      else this.containers.doubt(container.id);
      unread += reading ? 0 : 1;
      if (index % slice === slice - 1) await new Promise(setImmediate);
    }
    for (let from = 0; from < asked.length; from += atOnce) {
      const some = asked.slice(from, from + atOnce);
      const readings = await Promise.all(some.map((container) => this.ask(container)));
      readings.forEach((reading, index) => {
        if (reading) read.push({ container: some[index]!, reading });
        else unread++;
      });
    }
    // What was read while the Engine went away is of containers that may be others by now.
    const { up } = this.containers;
    const seconds = (clock.monotonic() - start) / 1000;
    const sources = { files: covered.length, engine: asked.length };
    const at = clock.now().getTime() / 1000;
    return { up, at, seconds, sources: up ? sources : { files: 0, engine: 0 }, read: up ? read : [], unread };
  }

  private async ask({ id, ownNetwork }: ContainerFacts): Promise<Reading | undefined> {
    const { signal, log } = this.context;
    try {
      const reading = await readEngineStats(this.engine, id, signal, containerLimit);
      // The Engine tells of another container's network as of its own.
      return ownNetwork ? reading : { ...reading, interfaces: [] };
    } catch (error) {
      log.debug(`the container ${id.slice(0, 12)} gave no answer: ${messageOf(error)}`);
      if (error instanceof EngineRefusal && error.status === 404) this.containers.doubt(id);
      return undefined;
    }
  }

  private warn(count: number): void {
    if (count === 0 || this.warned) return;
    this.warned = true;
    this.context.log.warn(
      `${count} containers are read by the Docker Engine, at some 4 ms of processor time for each: give the exporter ` +
        "the node's /sys/fs/cgroup and /proc (--cgroup, --proc), which makes it many times cheaper",
    );
  }
}
