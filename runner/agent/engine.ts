import type { EngineName } from '../common/bundle';
import type { ControllerClient } from './controller-client';

/** One engine that an agent keeps: how its configuration is completed, checked and brought into force. */
export interface AgentEngine {
  name: EngineName;
  /** Version of the program, such as 3.0.11. */
  version(): Promise<string>;
  /** The files of a bundle with what only this machine knows. */
  prepare(files: Record<string, string>, revision: string): Promise<Record<string, string>>;
  /**
   * Asks the engine's own checker about a folder of files.
   * @throws Refusal with the checker's words
   */
  check(folder: string): Promise<void>;
  /**
   * Starts the program on the files that `current` leads to, and waits until it serves them.
   * @throws Refusal when it ends at once
   */
  start(revision: string): Promise<RunningEngine>;
  /** What is followed beside the bundles, until the context's signal. Never rejects. */
  accompany?(client: ControllerClient): Promise<void>;
}

export interface RunningEngine {
  pid: number;
  /** Resolves with how it ended, in words. Never rejects. */
  ended: Promise<string>;
  /**
   * Brings the files that `current` leads to into force, and verifies that it runs them.
   * @throws Refusal; what ran before still does
   */
  reload(revision: string): Promise<void>;
  /** Processes of earlier configurations that finish what they have begun. */
  oldWorkers(): Promise<number>;
  /** Takes nothing new, finishes what is in flight within so many milliseconds, and ends. */
  drain(milliseconds: number): Promise<void>;
}

/** Most characters of an engine's words that are told on. */
const longestMessage = 8000;

/** The engine does not want this configuration; the message is in its own words. */
export class Refusal extends Error {
  constructor(message: string) {
    super(message.length <= longestMessage ? message : `${message.slice(0, longestMessage - 2)} …`);
    this.name = 'Refusal';
  }
}
