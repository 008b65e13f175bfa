import { readCgroup } from './cgroup';
import { CgroupFolders } from './cgroup-folders';
import type { ContainerFacts } from './container-facts';
import { kernelText } from './kernel-text';
import { networkDevices } from './network-devices';
import type { Reading } from './reading';

/** Where the node's own files are seen. */
export interface NodeFolders {
  /** Such as /sys/fs/cgroup. */
  cgroup: string;
  /** Such as /proc. */
  proc: string;
}

/**
 * Readings from the files of the node's kernel: many times cheaper than the Engine's own, which starts from the same
 * files but goes through three processes for each container.
 */
export class NodeFiles {
  private readonly cgroups: CgroupFolders;
  private isNodeProc = false;

  constructor(private readonly folders: NodeFolders) {
    this.cgroups = new CgroupFolders(folders.cgroup);
  }

  /** Looks where the files of these containers are; has to be called whenever there are others. */
  look(containers: ContainerFacts[]): void {
    this.cgroups.look(containers.filter(({ pid }) => pid > 0).map(({ id }) => id));
    this.isNodeProc ||= containers.some((container) => this.isProcessOf(container));
  }

  /** Whether all about a container can be read here. */
  covers(container: ContainerFacts): boolean {
    return this.cgroups.of(container.id) !== undefined && (this.isNodeProc || !container.ownNetwork);
  }

  /** The reading of a container that is covered; undefined where it has ended. */
  read({ id, pid, ownNetwork }: ContainerFacts): Reading | undefined {
    const devices = ownNetwork ? kernelText(`${this.folders.proc}/${pid}/net/dev`) : '';
    const cgroup = this.cgroups.of(id);
    // The group last: where it is still there, the process was the container's.
    const used = cgroup && devices !== undefined ? readCgroup(cgroup) : undefined;
    if (used && devices !== undefined) return { ...used, interfaces: networkDevices(devices) };
    this.cgroups.forget(id);
    return undefined;
  }

  /** Processes have other numbers in a container's own /proc: only the node's shows the groups that the Engine made. */
  private isProcessOf({ id, pid }: ContainerFacts): boolean {
    return pid > 0 && kernelText(`${this.folders.proc}/${pid}/cgroup`)?.includes(id) === true;
  }
}
