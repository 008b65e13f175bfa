import { rm, writeFile } from 'node:fs/promises';
import type { Context } from '../common/context';
import { messageOf } from '../common/errors';
import type { AgentEngine, RunningEngine } from './engine';
import { createSerial } from './serial';

/** Pauses before the engine is started again, in milliseconds: the first, and the longest. */
const firstPause = 100;
const longestPause = 5000;
/** An engine that ran for so long counts as one that runs. */
const steadyAfter = 30_000;
/** So many ends in a row are told as a problem. */
const loopFrom = 3;

export interface SupervisorSettings {
  /** File with the engine's process id while it serves: what the container's health check looks at. */
  healthFile: string;
  /** Makes the engine's files those of a revision. */
  use: (revision: string) => Promise<void>;
  /** Called when it ended or runs again. */
  onChange: () => void;
}

/** Keeps the engine running on the current configuration: starts it, reloads it, starts it again when it dies. */
export class Supervisor {
  private engine: RunningEngine | undefined;
  private readonly serial = createSerial();
  private stopping = false;
  private wanted = '';
  private failures = 0;
  private startedAt = 0;
  private lastEnd = '';
  /** Revision that runs; empty while none does. */
  running = '';
  reloads = 0;

  constructor(
    private readonly kind: AgentEngine,
    private readonly settings: SupervisorSettings,
    private readonly context: Context,
  ) {}

  /** What ails the engine, where it ends again and again. */
  get problem(): string | undefined {
    if (this.failures < loopFrom || (this.engine && this.isSteady)) return undefined;
    return `${this.kind.name} ended ${this.failures} times in a row; the last time: ${this.lastEnd}`;
  }

  /**
   * Brings a configuration into force.
   * @throws Refusal, Error; what ran before still does
   */
  load(revision: string): Promise<void> {
    return this.serial(async () => {
      const before = this.wanted;
      this.wanted = revision;
      try {
        this.context.signal.throwIfAborted();
        if (!this.engine) return await this.start();
        await this.settings.use(revision);
        await this.engine.reload(revision);
        this.reloads++;
        this.running = revision;
      } catch (error) {
        this.wanted = before;
        if (before !== '') await this.settings.use(before);
        throw error;
      }
    });
  }

  async oldWorkers(): Promise<number> {
    return this.engine ? this.engine.oldWorkers().catch(() => 0) : 0;
  }

  /** Lets the engine finish what is in flight within so many milliseconds; after that it does not run. */
  async stop(milliseconds: number): Promise<void> {
    this.stopping = true;
    await rm(this.settings.healthFile, { force: true });
    await this.serial(async () => this.engine?.drain(milliseconds));
  }

  private get isSteady(): boolean {
    return this.context.clock.monotonic() - this.startedAt > steadyAfter;
  }

  private async start(): Promise<void> {
    await this.settings.use(this.wanted);
    const engine = await this.kind.start(this.wanted);
    this.engine = engine;
    this.running = this.wanted;
    this.startedAt = this.context.clock.monotonic();
    await writeFile(this.settings.healthFile, `${engine.pid}\n`).catch((error: unknown) =>
      this.context.log.warn(`the health of the proxy cannot be told: ${messageOf(error)}`),
    );
    void engine.ended.then((how) => this.restart(how));
    this.settings.onChange();
  }

  private async restart(how: string): Promise<void> {
    this.engine = undefined;
    this.running = '';
    if (this.stopping) return;
    await rm(this.settings.healthFile, { force: true });
    const { clock, log, signal } = this.context;
    if (this.isSteady) this.failures = 0;
    for (let end = how; !this.stopping && !signal.aborted;) {
      this.failures++;
      this.lastEnd = end;
      const pause = Math.min(firstPause * 2 ** (this.failures - 1), longestPause);
      log.error(`${end}; it is started again in ${pause / 1000} s`);
      this.settings.onChange();
      try {
        await clock.sleep(pause, signal);
        return await this.serial(async () => {
          if (!this.engine && !this.stopping) await this.start();
        });
      } catch (error) {
        end = messageOf(error);
      }
    }
  }
}
