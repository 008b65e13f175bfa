import { targetsRevision, targetsText, type TargetGroup } from '../common/targets';
import type { Polled } from './http/polls';

/** What Prometheus is to scrape now, for agents that wait for the next change. */
export class TargetsDesk implements Polled {
  private text: { revision: string; json: string } | undefined;
  private readonly listeners = new Set<() => void>();

  /** True where the targets differ from those before. */
  publish(groups: TargetGroup[]): boolean {
    const json = targetsText(groups);
    const revision = targetsRevision(json);
    if (this.text?.revision === revision) return false;
    this.text = { revision, json };
    for (const listener of [...this.listeners]) listener();
    return true;
  }

  current(): { revision: string; json: string } | undefined {
    return this.text;
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
