import { exactly, quoted } from './quote';
import type { Shortcut, ShortcutContext } from './shortcut';

/** Of the system's node_exporter, or of the service itself where it is one, as with Docker Flow. */
const job = ({ service, nodeJob }: ShortcutContext): string =>
  `job=~${quoted(`${exactly(nodeJob)}|${exactly(service)}`)}`;

const by = 'by (instance, node)';

const used = (context: ShortcutContext, aggregate: string): string => {
  const total = `${aggregate} (node_memory_MemTotal_bytes{${job(context)}})`;
  return `(${total} - ${aggregate} (node_memory_MemAvailable_bytes{${job(context)}})) / ${total}`;
};

/** Those that hold no data of their own, or cannot be filled. */
const noDisk =
  'fstype!~"autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|overlay|aufs|proc|procfs|pstore|ramfs|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tmpfs|tracefs"';

/** What of each disk is used, on any file system. @param jobs matcher of the job */
export const diskUsed = (jobs: string): string => {
  const size = `max by (instance, node, device) (node_filesystem_size_bytes{${jobs},${noDisk}} > 0)`;
  return `(${size} - max by (instance, node, device) (node_filesystem_free_bytes{${jobs},${noDisk}})) / ${size}`;
};

const share = { name: 'ratio', kind: 'ratio' } as const;
const total = {
  arguments: [share],
  scope: 'node',
  value: 'ratio',
  dockerFlow: true,
  measures: 'memory of all nodes together',
} as const;

export const nodeShortcuts = {
  node_mem_limit: {
    arguments: [share],
    fires: 'a node has more than that share of its memory in use (what can be had back at once does not count)',
    expression: (context, ratio) => `${used(context, `sum ${by}`)} > ${ratio}`,
    scope: 'node',
    labels: {},
    severity: 'warning',
    value: 'ratio',
    measures: 'memory of node {{ or $labels.node $labels.instance }}',
    bound: 'above {0}',
    runbook: 'See which services are on it (homeostat status); limit them, drain it, or add a node.',
    dockerFlow: true,
    example: '@node_mem_limit:0.8',
  },
  node_mem_limit_total_above: {
    ...total,
    fires: 'all nodes together have more than that share of their memory in use',
    expression: (context, ratio) => `${used(context, 'sum')} > ${ratio}`,
    labels: { scale: 'up', type: 'node' },
    severity: 'warning',
    bound: 'above {0}',
    runbook: 'Add a node.',
    example: '@node_mem_limit_total_above:0.8',
  },
  node_mem_limit_total_below: {
    ...total,
    fires: 'all nodes together have less than that share of their memory in use',
    expression: (context, ratio) => `${used(context, 'sum')} < ${ratio}`,
    labels: { scale: 'down', type: 'node' },
    severity: 'info',
    bound: 'below {0}',
    runbook: 'A node may be taken away.',
    example: '@node_mem_limit_total_below:0.3',
  },
  node_fs_limit: {
    arguments: [share],
    fires: 'a disk of a node is used by more than that share, whatever its file system',
    expression: (context, ratio) => `${diskUsed(job(context))} > ${ratio}`,
    scope: 'node',
    labels: {},
    severity: 'warning',
    value: 'ratio',
    measures: 'disk {{ $labels.device }} of node {{ or $labels.node $labels.instance }}',
    bound: 'above {0}',
    runbook: 'Remove images and volumes that nobody needs (docker system df), or make the disk larger.',
    dockerFlow: true,
    example: '@node_fs_limit:0.8',
  },
} satisfies Record<string, Shortcut>;
