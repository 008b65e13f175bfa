import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { AgentReport, Bundle } from '../common/bundle';
import type { Context } from '../common/context';
import { fail, messageOf } from '../common/errors';
import { acceptBundle } from './accept-bundle';
import { BundleFolder } from './bundle-folder';
import { ControllerClient, NoBundle, type ControllerSettings } from './controller-client';
import { Refusal, type AgentEngine } from './engine';
import { pauseAfter } from './pause';
import { Reporter } from './reporter';
import { Supervisor } from './supervisor';

export interface AgentSettings extends Omit<ControllerSettings, 'engine'> {
  /** Folder that survives the container. */
  folder: string;
  /** Folder for sockets and the health file. */
  runFolder: string;
  /** Name of the node, where it is known. */
  node: string;
  /** Milliseconds that requests in flight have at the end. */
  drain: number;
}

/** Name of the file in the run folder that holds the engine's process id while it serves. */
export const healthFile = 'serving';

const firstPause = 250;
const longestPause = 5000;
/** After a token that is not known: nothing but a person can change that. */
const deniedPause = 30_000;
/** An answer without news that comes sooner was not waited for by the controller. */
const shortAnswer = 1000;

/**
 * Keeps one engine on the newest configuration of the controller, until it is stopped.
 * @throws AGENT_FOLDER, CLI_MISSING
 */
export async function runAgent(engine: AgentEngine, settings: AgentSettings, context: Context): Promise<void> {
  const agent = new Agent(engine, settings, context);
  await agent.prepare();
  const beside = agent.accompany();
  try {
    await agent.serveLast();
    await agent.follow();
  } catch (error) {
    if (!context.signal.aborted) throw error;
  } finally {
    await agent.stop();
    if (context.signal.aborted) await beside;
  }
}

class Agent {
  private readonly bundles: BundleFolder;
  private readonly client: ControllerClient;
  private readonly supervisor: Supervisor;
  private readonly reporter: Reporter;
  private engineVersion = '';
  /** Revision of the newest bundle that was dealt with. */
  private have = '';
  private refused: AgentReport['refused'];
  private problem: string | undefined;

  constructor(
    private readonly engine: AgentEngine,
    private readonly settings: AgentSettings,
    private readonly context: Context,
  ) {
    this.bundles = new BundleFolder(settings.folder);
    this.client = new ControllerClient({ ...settings, engine: engine.name }, context);
    this.reporter = new Reporter(this.client, () => this.report(), context);
    this.supervisor = new Supervisor(
      engine,
      {
        healthFile: path.join(settings.runFolder, healthFile),
        use: (revision) => this.bundles.use(revision),
        onChange: () => this.reporter.send(),
      },
      context,
    );
  }

  async prepare(): Promise<void> {
    const { folder, runFolder } = this.settings;
    try {
      for (const each of [folder, runFolder]) await mkdir(each, { recursive: true, mode: 0o700 });
      await rm(path.join(runFolder, healthFile), { force: true });
    } catch (error) {
      fail('AGENT_FOLDER', 'the folders of the agent cannot be used', { cause: messageOf(error) });
    }
    this.engineVersion = await this.engine.version();
  }

  async accompany(): Promise<void> {
    await this.engine.accompany?.(this.client);
  }

  /** Serves the newest configuration on disk that is whole and accepted, whether the controller is there or not. */
  async serveLast(): Promise<void> {
    const { log, signal } = this.context;
    for (const { revision, text } of await this.bundles.kept()) {
      try {
        await this.apply(acceptBundle(JSON.parse(text), this.engine.name, this.settings.instance));
        log.info(`serving revision ${revision}, the last good one on disk`);
        return;
      } catch (error) {
        signal.throwIfAborted();
        log.warn(`revision ${revision} on disk is not served: ${messageOf(error)}`);
      }
    }
    log.info('nothing is served before the controller sends a configuration');
  }

  /** Asks for the next bundle again and again. */
  async follow(): Promise<void> {
    const { clock, log, signal } = this.context;
    let failures = 0;
    let told = '';
    for (;;) {
      this.reporter.send();
      const asked = clock.monotonic();
      try {
        const bundle = await this.client.pull(this.have);
        if (bundle && bundle.revision !== this.have) await this.take(bundle);
        // A controller that does not wait must not be asked without end.
        else if (clock.monotonic() - asked < shortAnswer) await clock.sleep(shortAnswer, signal);
        if (told !== '') log.info('the controller is followed again');
        failures = 0;
        told = '';
      } catch (error) {
        signal.throwIfAborted();
        const message = messageOf(error);
        if (message !== told) log.warn(`${message}; what is served stays, and it is tried again`);
        told = message;
        const denied = error instanceof NoBundle && error.denied;
        const longest = denied ? deniedPause : longestPause;
        await clock.sleep(pauseAfter(++failures, denied ? longest : firstPause, longest, Math.random()), signal);
      }
    }
  }

  /** Brings a bundle into force, or notes why not. What may pass, and what leaves nothing running, is thrown. */
  private async take(bundle: Bundle): Promise<void> {
    const { log, clock, signal } = this.context;
    const { revision } = bundle;
    const start = clock.monotonic();
    try {
      await this.apply(bundle);
      log.info(`serving revision ${revision} after ${Math.round(clock.monotonic() - start)} ms`);
    } catch (error) {
      signal.throwIfAborted();
      const message = messageOf(error);
      if (error instanceof Refusal) this.refused = { revision, message };
      else this.problem = `revision ${revision} cannot be taken: ${message}`;
      if (!(error instanceof Refusal) || this.supervisor.running === '')
        throw new Error(`revision ${revision} cannot be taken: ${message}`, { cause: error });
      this.have = revision;
      log.error(`revision ${revision} was refused:\n${message}`);
    }
  }

  private async apply(bundle: Bundle): Promise<void> {
    const { revision } = bundle;
    if (revision !== this.supervisor.running) {
      const files = await this.engine.prepare(bundle.files, revision);
      const before = await this.bundles.current();
      try {
        await this.engine.check(await this.write(bundle, files, before));
        await this.supervisor.load(revision);
      } catch (error) {
        if (before !== revision) await this.bundles.remove(revision);
        throw error;
      }
    }
    this.have = revision;
    this.refused = this.problem = undefined;
    await this.bundles.clean();
  }

  private async write(bundle: Bundle, files: Record<string, string>, before: string | undefined): Promise<string> {
    try {
      return await this.bundles.write(bundle, files);
    } catch (error) {
      if (bundle.revision !== before) throw error;
      this.context.log.warn(`the configuration on disk is used as it is: ${messageOf(error)}`);
      return this.bundles.pathOf(before);
    }
  }

  private async report(): Promise<AgentReport> {
    const { settings, supervisor, context } = this;
    const problem = this.problem ?? supervisor.problem;
    return {
      engine: this.engine.name,
      instance: settings.instance,
      agent: settings.agent,
      node: settings.node,
      version: context.version,
      engineVersion: this.engineVersion,
      running: supervisor.running,
      reloads: supervisor.reloads,
      oldWorkers: await supervisor.oldWorkers(),
      ...(this.refused ? { refused: this.refused } : {}),
      ...(problem === undefined ? {} : { problem }),
    };
  }

  stop(): Promise<void> {
    return this.supervisor.stop(this.settings.drain);
  }
}
