import { z } from 'zod';
import type { AgentReport } from '../common/bundle';
import type { PublishedBundle } from './bundles';

/** An agent as GET /v1/proxies tells it. */
export interface AgentState extends AgentReport {
  /** It does not run what is published, and has had time to. */
  behind: boolean;
  /** ISO time of its last word. */
  seen: string;
}

const text = (longest: number) => z.string().max(longest);
const name = z.string().regex(/^[A-Za-z0-9_.-]{0,128}$/);
const revision = z.string().regex(/^[0-9a-f]{0,64}$/);

const report = z.object({
  engine: z.enum(['haproxy', 'prometheus', 'alertmanager']),
  instance: name,
  agent: name.min(1),
  node: text(255),
  version: text(64),
  engineVersion: text(64),
  running: revision,
  reloads: z.number().int().min(0),
  refused: z.object({ revision, message: text(65_536) }).optional(),
  problem: text(65_536).optional(),
});

/** The report, or what is wrong with it. */
export function parseReport(document: unknown): { report: AgentReport } | { problem: string } {
  const parsed = report.safeParse(document);
  if (parsed.success) return { report: parsed.data as AgentReport };
  const [issue] = parsed.error.issues;
  return { problem: `${issue?.path.join('.') || 'the report'}: ${issue?.message ?? 'is not a report'}` };
}

interface Known {
  report: AgentReport;
  /** Milliseconds since 1970. */
  first: number;
  seen: number;
}

const forgottenAfter = 600_000;
const behindAfter = 5_000;
const most = 1000;

/** Agents that have reported within the last minutes. */
export class Agents {
  private readonly known = new Map<string, Known>();
  /** Counts refusals; the same one told twice is one. */
  refusals = 0;

  constructor(private readonly now: () => number) {}

  /** Takes in a report; true where it tells of a refusal that was not told before. */
  report(report: AgentReport): boolean {
    this.forget();
    const at = key(report.engine, report.instance, report.agent);
    const before = this.known.get(at);
    if (!before && this.known.size >= most) return false;
    const now = this.now();
    this.known.set(at, { report, first: before?.first ?? now, seen: now });
    const news = report.refused !== undefined && report.refused.revision !== before?.report.refused?.revision;
    if (news) this.refusals++;
    return news;
  }

  /** An agent was heard of by another way than a report. */
  touch(engine: string, instance: string, agent: string): void {
    const known = this.known.get(key(engine, instance, agent));
    if (known) known.seen = this.now();
  }

  states(bundles: PublishedBundle[]): AgentState[] {
    this.forget();
    const published = new Map(bundles.map((bundle) => [key(bundle.engine, bundle.instance, ''), bundle]));
    const now = this.now();
    return this.present()
      .map(({ report, first, seen }): AgentState => {
        const bundle = published.get(key(report.engine, report.instance, ''));
        const since = Math.max(bundle?.since ?? now, first);
        const behind = bundle !== undefined && report.running !== bundle.revision && now - since > behindAfter;
        return { ...report, behind, seen: new Date(seen).toISOString() };
      })
      .sort((a, b) => (key(a.engine, a.node, a.agent) < key(b.engine, b.node, b.agent) ? -1 : 1));
  }

  /** Those that no other of their node has come after: a task that was replaced is not heard of any more. */
  private present(): Known[] {
    const newest = new Map<string, number>();
    for (const { report, first } of this.known.values())
      newest.set(placeOf(report), Math.max(first, newest.get(placeOf(report)) ?? 0));
    return [...this.known.values()].filter(
      ({ report, seen }) => report.node === '' || newest.get(placeOf(report))! <= seen,
    );
  }

  private forget(): void {
    const limit = this.now() - forgottenAfter;
    for (const [at, { seen }] of this.known) if (seen < limit) this.known.delete(at);
  }
}

const placeOf = ({ engine, instance, node }: AgentReport) => key(engine, instance, node);
const key = (...parts: string[]) => parts.join('/');
