import { kernelText } from './kernel-text';
import { memoryReading, type MemoryReading } from './reading';

/** Where the counts of a container are. */
export interface Cgroup {
  version: 1 | 2;
  /** Folder of the memory's counts, and of the processor's. */
  memory: string;
  cpu: string;
}

/** What a control group has used; undefined when it is gone. */
export function readCgroup(cgroup: Cgroup): { memory?: MemoryReading; cpuSeconds?: number } | undefined {
  const cpuSeconds = cgroup.version === 1 ? cpuOfFirst(cgroup.cpu) : cpuOfSecond(cgroup.cpu);
  const memory = cgroup.version === 1 ? memoryOfFirst(cgroup.memory) : memoryOfSecond(cgroup.memory);
  if (cpuSeconds === undefined && !memory) return undefined;
  return { ...(memory ? { memory } : {}), ...(cpuSeconds === undefined ? {} : { cpuSeconds }) };
}

/** https://docs.kernel.org/admin-guide/cgroup-v1/cpuacct.html: nanoseconds */
function cpuOfFirst(folder: string): number | undefined {
  const text = kernelText(`${folder}/cpuacct.usage`);
  return text === undefined ? undefined : Number(text) / 1e9;
}

/** https://docs.kernel.org/admin-guide/cgroup-v1/memory.html */
function memoryOfFirst(folder: string): MemoryReading | undefined {
  const usage = kernelText(`${folder}/memory.usage_in_bytes`);
  const stat = kernelText(`${folder}/memory.stat`);
  if (usage === undefined || stat === undefined) return undefined;
  const value = (key: string) => valueOf(stat, `total_${key}`);
  return memoryReading(Number(usage), value('cache'), value('rss'), value('inactive_file'));
}

/** https://docs.kernel.org/admin-guide/cgroup-v2.html: microseconds */
function cpuOfSecond(folder: string): number | undefined {
  const text = kernelText(`${folder}/cpu.stat`);
  return text === undefined ? undefined : valueOf(text, 'usage_usec') / 1e6;
}

function memoryOfSecond(folder: string): MemoryReading | undefined {
  const usage = kernelText(`${folder}/memory.current`);
  const stat = kernelText(`${folder}/memory.stat`);
  if (usage === undefined || stat === undefined) return undefined;
  const value = (key: string) => valueOf(stat, key);
  return memoryReading(Number(usage), value('file'), value('anon'), value('inactive_file'));
}

/** The number after a key that begins a line; 0 where there is none. */
function valueOf(text: string, key: string): number {
  const at = text.startsWith(`${key} `) ? 0 : text.indexOf(`\n${key} `) + 1;
  if (at === 0 && !text.startsWith(`${key} `)) return 0;
  return parseInt(text.slice(at + key.length + 1, at + key.length + 21), 10) || 0;
}
