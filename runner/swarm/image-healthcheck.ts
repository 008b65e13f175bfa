import type { Context } from '../common/context';
import { request, type Engine } from '../common/engine';

interface Known {
  test: string[] | undefined;
  /** Monotonic milliseconds from which on it is looked for again; undefined for what does not change. */
  again?: number;
  failures: number;
}

const first = 5_000;
const longest = 600_000;
/** Images to ask for at once, so that a Swarm of a thousand services does not make a thousand requests. */
const mostAtOnce = 20;
const answerLimit = 5_000;

/**
 * Health checks of images, as far as the local Engine has them. Looking is never waited for longer than the caller wants;
 * an image that is not there is looked for again after growing pauses, for it may be pulled.
 */
export class ImageHealthchecks {
  private readonly known = new Map<string, Known>();
  private running: Promise<void> | undefined;
  /** Counts what was found. */
  changes = 0;

  constructor(
    private readonly engine: Engine,
    private readonly context: Context,
  ) {}

  /** The Test of the image's healthcheck; undefined where it has none or is not known. */
  of(image: string): string[] | undefined {
    return this.known.get(image)?.test;
  }

  /**
   * Looks for what is not known of these images, for at most that many milliseconds; the rest goes on by itself, and
   * `found` is called when it has brought something new.
   */
  async look(images: Iterable<string>, limit: number, found: () => void): Promise<void> {
    const wanted = new Set(images);
    for (const image of this.known.keys()) if (!wanted.has(image)) this.known.delete(image);
    const now = this.context.clock.monotonic();
    const due = [...wanted].filter(
      (image) => image && (this.known.get(image)?.again ?? 0) <= now && !this.final(image),
    );
    if (due.length === 0 || this.running) return;
    let late = false;
    this.running = this.lookFor(due)
      .then((some) => {
        if (some && late) found();
      })
      .finally(() => (this.running = undefined));
    const ended = new AbortController();
    await Promise.race([
      this.running,
      this.context.clock.sleep(limit, ended.signal).then(
        () => (late = true),
        () => undefined,
      ),
    ]);
    ended.abort(new Error('looked'));
  }

  private final(image: string): boolean {
    const known = this.known.get(image);
    return known !== undefined && known.again === undefined;
  }

  private async lookFor(images: string[]): Promise<boolean> {
    let some = false;
    const next = images.values();
    const worker = async () => {
      for (const image of next) if (await this.inspect(image)) some = true;
    };
    await Promise.all(Array.from({ length: Math.min(mostAtOnce, images.length) }, worker));
    return some;
  }

  private async inspect(image: string): Promise<boolean> {
    const before = this.known.get(image);
    const now = this.context.clock.monotonic();
    try {
      const { Config } = await request<{ Config?: { Healthcheck?: { Test?: string[] } } }>(
        this.engine,
        'GET',
        `/images/${encodeURI(image)}/json`,
        { limit: answerLimit, signal: this.context.signal },
      );
      const test = Config?.Healthcheck?.Test;
      // A tag may be given to another image; a digest stays.
      this.known.set(image, { test, failures: 0, ...(image.includes('@sha256:') ? {} : { again: now + longest }) });
      if (JSON.stringify(test) === JSON.stringify(before?.test)) return false;
      this.changes++;
      return true;
    } catch {
      const failures = (before?.failures ?? 0) + 1;
      const again = now + Math.min(longest, first * 2 ** (failures - 1));
      this.known.set(image, { test: before?.test, failures, again });
      return false;
    }
  }
}
