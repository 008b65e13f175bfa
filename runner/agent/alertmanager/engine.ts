import { createHash } from 'node:crypto';
import { access, mkdir, readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import type { Context } from '../../common/context';
import { Refusal, type AgentEngine, type RunningEngine } from '../engine';
import { resolveAll } from '../haproxy/resolve';
import { checkWith, versionOf } from '../engine-tools';
import { metricOf, startHttpEngine, type Ask } from '../http-engine';
import { advertiseAddress, clusterArguments, defaultInterfaces } from './cluster';

export interface AlertmanagerSettings {
  /** Folder that survives: bundles, the link `current`, silences and what was sent. */
  folder: string;
  program: string;
  /** Its checker. */
  checker: string;
  /** Where its output goes. */
  output: number | 'inherit';
  /** Milliseconds after which a check counts as hung. */
  checkLimit: number;
  /** Where it listens: `host:port`. */
  listen: string;
  cluster?: AlertmanagerCluster;
}

export interface AlertmanagerCluster {
  /** Host names that all members are found under, such as tasks.homeostat-monitor_alertmanager. */
  peers: string[];
  port: number;
  /** Host names on the network of the members, by which this member finds its own address there. */
  near: string[];
  /** The address of this member; by default it is found out, and it listens on all. */
  address?: string;
}

/** Milliseconds within which a started Alertmanager serves. */
const startLimit = 30_000;
/** Milliseconds for the names by which its own address is found. */
const resolveLimit = 500;

/** Alertmanager 0.25 or later. */
export class AlertmanagerEngine implements AgentEngine {
  readonly name = 'alertmanager';

  constructor(
    private readonly settings: AlertmanagerSettings,
    private readonly context: Context,
  ) {}

  version(): Promise<string> {
    return versionOf(this.settings.program, '--version', this.context);
  }

  /** The revision becomes part of the text, so that the hash of what runs tells them apart; its lines keep their numbers. */
  async prepare(files: Record<string, string>, revision: string): Promise<Record<string, string>> {
    const { [configuration]: text, ...others } = files;
    if (text === undefined) throw new Refusal(`the bundle has no ${configuration}`);
    await this.warnOfMissing(text);
    return { ...others, [configuration]: `${text.trimEnd()}\n# revision: ${revision}\n` };
  }

  /** Alertmanager looks at these files only when it sends. */
  private async warnOfMissing(text: string): Promise<void> {
    const named = [...text.matchAll(/_file: ["']?(\/[^"'\n]+)/g)].map(([, file]) => file!);
    for (const file of new Set(named)) {
      const there = await access(file).then(
        () => true,
        () => false,
      );
      if (!there) this.context.log.warn(`${file} cannot be read: what needs it cannot be sent`);
    }
  }

  check(folder: string): Promise<void> {
    const { checker: program, checkLimit: limit } = this.settings;
    const args = ['check-config', path.join(folder, configuration)];
    return checkWith(
      {
        title: 'amtool check-config',
        program,
        args,
        limit,
        complaint: (stdout, stderr) => `${stdout}\n${stderr}`.trim(),
      },
      this.context,
    );
  }

  async start(revision: string): Promise<RunningEngine> {
    const { folder, program, output, listen } = this.settings;
    const storage = path.join(folder, 'data');
    await mkdir(storage, { recursive: true, mode: 0o700 });
    const args = [
      `--config.file=${this.configuration}`,
      `--storage.path=${storage}`,
      // What was sent is on disk soon: after a kill it is not sent again.
      '--data.maintenance-interval=10s',
      `--web.listen-address=${listen}`,
      ...(await this.clusterArguments()),
    ];
    const port = listen.slice(listen.lastIndexOf(':') + 1);
    const host = /^(?:0\.0\.0\.0)?:\d+$/.test(listen) ? '127.0.0.1' : listen.slice(0, listen.lastIndexOf(':'));
    const unlike = (_revision: string, ask: Ask) => this.unlike(ask);
    const url = `http://${host}:${port}`;
    return startHttpEngine(
      { title: 'Alertmanager', program, args, output, url, startLimit, unlike },
      revision,
      this.context,
    );
  }

  private async clusterArguments(): Promise<string[]> {
    const { cluster } = this.settings;
    if (!cluster || cluster.address !== undefined)
      return clusterArguments(cluster && { ...cluster, advertise: cluster.address, listen: cluster.address! });
    const names = [...cluster.peers, ...cluster.near];
    const found = await resolveAll(names, [], resolveLimit, this.context.clock);
    const local = Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
      addresses.map(({ address, netmask, internal }) => ({ name, address, netmask, internal })),
    );
    const routes = await readFile('/proc/net/route', 'utf8').catch(() => '');
    const advertise = advertiseAddress(local, [...found.values()].flat(), defaultInterfaces(routes));
    if (advertise === undefined) this.context.log.warn('which network the cluster of Alertmanagers is on is not known');
    return clusterArguments({ ...cluster, advertise });
  }

  private async unlike(ask: Ask): Promise<string | undefined> {
    const wanted = hashOf(await readFile(this.configuration));
    const metrics = await ask('/metrics');
    if (metricOf(metrics, 'alertmanager_config_last_reload_successful') !== 1) return 'its last reload failed';
    const hash = metricOf(metrics, 'alertmanager_config_hash');
    return hash === wanted ? undefined : `the hash of its configuration is ${hash}, not ${wanted}`;
  }

  private get configuration() {
    return path.join(this.settings.folder, 'current', configuration);
  }
}

const configuration = 'alertmanager.yml';

/** The number by which Alertmanager tells which text it runs: the first 48 bits of its MD5 sum. */
export const hashOf = (text: Buffer): number => createHash('md5').update(text).digest().readUIntLE(0, 6);
