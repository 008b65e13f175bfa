import type { Context } from '../../common/context';
import type { Engine } from '../../common/engine';
import { listRecords } from '../../swarm/store';

/** A release as the page tells of it. */
export interface PageRelease {
  stack: string;
  number: number;
  /** ISO time. */
  at: string;
  images: string[];
}

/** Of the record only this is needed; it holds whole specs. */
interface ReleaseRecord {
  number: number;
  stack: string;
  services: { image: string }[];
}

/** The newest release of every stack, newest first. @throws ENGINE_UNREACHABLE, ENGINE_FAILED */
export async function newestReleases(engine: Engine, context: Context): Promise<PageRelease[]> {
  const newest = new Map<string, PageRelease>();
  for (const { data, createdAt } of await listRecords<ReleaseRecord>(engine, { kind: 'release' }, context)) {
    const { stack, number, services } = data;
    if ((newest.get(stack)?.number ?? -1) < number)
      newest.set(stack, { stack, number, at: createdAt, images: services.map(({ image }) => image) });
  }
  return [...newest.values()].sort((a, b) => (a.at < b.at ? 1 : -1));
}
