/** What a container has used and uses, at one moment. */
export interface Reading {
  /** Undefined where the node does not account for it. */
  memory?: MemoryReading;
  /** Seconds of processor time since it was started. */
  cpuSeconds?: number;
  interfaces: InterfaceReading[];
}

/** Bytes. */
export interface MemoryReading {
  usage: number;
  cache: number;
  rss: number;
  /** What cannot be taken back at once. */
  workingSet: number;
}

export interface InterfaceReading {
  name: string;
  receive: Traffic;
  transmit: Traffic;
}

export interface Traffic {
  bytes: number;
  packets: number;
  errors: number;
  dropped: number;
}

/** Memory from the kernel's own counts; the working set is meant as cAdvisor and the kubelet mean it. */
export const memoryReading = (usage: number, cache: number, rss: number, inactiveFile: number): MemoryReading => ({
  ...{ usage, cache, rss },
  workingSet: Math.max(0, usage - inactiveFile),
});

/** Interfaces that say nothing about traffic with others. */
export const isTold = (name: string): boolean => !/^(?:lo$|veth|docker)/.test(name);
