import { bundleOf, type Bundle, type EngineName } from '../common/bundle';
import { createMasker } from '../common/mask';
import type { Polled } from './http/polls';

/** A bundle with what is needed when an engine refuses it. */
interface Edition {
  bundle: Bundle;
  /** As agents get it, made once. */
  json: string;
  /** Labels that were used, by service. */
  hashes: ReadonlyMap<string, string>;
  passwords: string[];
}

export interface PublishedBundle {
  engine: EngineName;
  instance: string;
  revision: string;
  /** Milliseconds since 1970. */
  since: number;
  /** A newer bundle that an engine refused, and that nobody can be named for. */
  blocked?: { revision: string; message: string };
}

interface Shelf {
  current: Edition;
  since: number;
  /** Newest first; the current one among them. */
  recent: Edition[];
  /** The last that an engine was seen to run. */
  confirmed?: Edition;
  blocked?: { revision: string; message: string };
}

/** What a refusal is about. */
export interface Blame {
  /** With the hash of the labels that were used. */
  services: { name: string; hash: string }[];
  /** The engine's message, without passwords. */
  message: string;
}

/** Editions to know, for agents that are still at an older one when they refuse it. */
const kept = 3;

/** The published bundle of each engine and instance. */
export class Bundles {
  private readonly shelves = new Map<string, Shelf>();
  private readonly listeners = new Set<() => void>();
  /** Counts what was published. */
  published = 0;

  constructor(private readonly now: () => number) {}

  /** True where it differs from what is published. */
  publish(
    engine: EngineName,
    instance: string,
    files: Record<string, string>,
    hashes: ReadonlyMap<string, string>,
    passwords: string[],
  ): boolean {
    const bundle = bundleOf(engine, instance, files);
    const at = key(engine, instance);
    const shelf = this.shelves.get(at);
    if (shelf?.recent[0]!.bundle.revision === bundle.revision) {
      // The labels may have changed without effect; who is to blame is asked of the newest.
      shelf.recent[0]!.hashes = hashes;
      return false;
    }
    const edition: Edition = { bundle, json: JSON.stringify(bundle), hashes, passwords };
    const recent = [edition, ...(shelf?.recent ?? [])].slice(0, kept);
    this.shelves.set(at, {
      current: edition,
      since: this.now(),
      recent,
      ...(shelf?.confirmed ? { confirmed: shelf.confirmed } : {}),
    });
    this.published++;
    this.tell();
    return true;
  }

  /** Instances that are not there any more. */
  retain(engine: EngineName, instances: ReadonlySet<string>): void {
    for (const [at, { current }] of this.shelves)
      if (current.bundle.engine === engine && !instances.has(current.bundle.instance)) this.shelves.delete(at);
  }

  /** What an agent gets now. */
  get(engine: string, instance: string): { revision: string; json: string } | undefined {
    const current = this.shelves.get(key(engine, instance))?.current;
    return current && { revision: current.bundle.revision, json: current.json };
  }

  /** The bundle of an engine and instance, for who waits for the next one. */
  polled(engine: string, instance: string): Polled {
    return { current: () => this.get(engine, instance), onChange: (listener) => this.onChange(listener) };
  }

  list(): PublishedBundle[] {
    return [...this.shelves.values()].map(({ current: { bundle }, since, blocked }) => ({
      engine: bundle.engine,
      instance: bundle.instance,
      revision: bundle.revision,
      since,
      ...(blocked ? { blocked } : {}),
    }));
  }

  files(engine: EngineName, instance: string): Record<string, string> | undefined {
    return this.shelves.get(key(engine, instance))?.current.bundle.files;
  }

  /** An engine runs this revision. */
  confirm(engine: EngineName, instance: string, revision: string): void {
    const shelf = this.shelves.get(key(engine, instance));
    const edition = shelf?.recent.find(({ bundle }) => bundle.revision === revision);
    if (edition) shelf!.confirmed = edition;
  }

  /**
   * Who is to blame for a refused revision; undefined where it is not known here.
   * @param guilty names of services by configuration and message
   */
  blame(
    engine: EngineName,
    instance: string,
    refused: { revision: string; message: string },
    guilty: (files: Record<string, string>, message: string) => string[],
  ): Blame | undefined {
    const shelf = this.shelves.get(key(engine, instance));
    const edition = shelf?.recent.find(({ bundle }) => bundle.revision === refused.revision);
    if (!edition) return undefined;
    const message = createMasker(edition.passwords)(refused.message);
    const services = guilty(edition.bundle.files, refused.message).flatMap((name) => {
      const hash = edition.hashes.get(name);
      return hash === undefined ? [] : [{ name, hash }];
    });
    return { services, message };
  }

  /** Goes back to the last bundle that an engine ran, until there is another one. False where that is known already. */
  block(engine: EngineName, instance: string, refused: { revision: string; message: string }): boolean {
    const shelf = this.shelves.get(key(engine, instance));
    if (!shelf || shelf.recent[0]!.bundle.revision !== refused.revision) return false;
    if (shelf.blocked?.revision === refused.revision) return false;
    shelf.blocked = refused;
    if (shelf.confirmed && shelf.confirmed !== shelf.current) {
      shelf.current = shelf.confirmed;
      shelf.since = this.now();
      this.tell();
    }
    return true;
  }

  /** Calls back at every change until the answer is called. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private tell(): void {
    for (const listener of [...this.listeners]) listener();
  }
}

const key = (engine: string, instance: string) => `${engine}/${instance}`;
