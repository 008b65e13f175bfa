import { access, mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from '../../common/context';
import type { ControllerClient } from '../controller-client';
import { Refusal, type AgentEngine, type RunningEngine } from '../engine';
import { checkWith, versionOf } from '../engine-tools';
import { metricOf, startHttpEngine, type Ask } from '../http-engine';
import { configurationFile, markerOf, targetsName, withLocalPaths } from './configuration';
import { flagsOf } from './flags';
import { followTargets } from './targets';

export interface PrometheusSettings {
  /** Folder that survives: bundles, the link `current`, the targets and all that was measured. */
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
  /** The token for the controller's metrics; it may be missing. */
  credentialsFile: string;
}

/** Milliseconds within which a started Prometheus serves: it reads first what it had not put in order when it ended. */
const startLimit = 600_000;
/**
 * What stands unless the environment says otherwise. Prometheus waits up to 5 s before it knows new targets; from 2.55 on it
 * can be told not to wait once more before it takes them: https://github.com/prometheus/prometheus/blob/main/scrape/manager.go.
 * For seconds after a reload it knows no Alertmanager, drops what fires meanwhile, and would say it again after a minute only.
 */
const usual = [
  '--storage.tsdb.retention.time=15d',
  '--scrape.discovery-reload-interval=100ms',
  '--rules.alert.resend-delay=15s',
];

/** Prometheus 2.42 or later. */
export class PrometheusEngine implements AgentEngine {
  readonly name = 'prometheus';

  constructor(
    private readonly settings: PrometheusSettings,
    private readonly context: Context,
  ) {}

  version(): Promise<string> {
    return versionOf(this.settings.program, '--version', this.context);
  }

  async prepare(files: Record<string, string>, revision: string): Promise<Record<string, string>> {
    const text = files[configurationFile];
    if (text === undefined) throw new Refusal(`the bundle has no ${configurationFile}`);
    const { credentialsFile } = this.settings;
    const readable = await access(credentialsFile).then(
      () => true,
      () => false,
    );
    if (!readable)
      this.context.log.warn(`${credentialsFile} cannot be read: the controller's own metrics cannot be asked for`);
    const paths = { targets: this.targetsFile, credentials: readable ? credentialsFile : undefined };
    return { ...files, [configurationFile]: withLocalPaths(text, revision, paths) };
  }

  check(folder: string): Promise<void> {
    const { checker: program, checkLimit: limit } = this.settings;
    const args = ['check', 'config', path.join(folder, configurationFile)];
    // What is wrong goes to standard error; the names of a thousand good files do not.
    return checkWith(
      {
        title: 'promtool check config',
        program,
        args,
        limit,
        complaint: (stdout, stderr) => stderr.trim() || stdout.trim(),
      },
      this.context,
    );
  }

  async start(revision: string): Promise<RunningEngine> {
    const { folder, program, output, listen } = this.settings;
    const data = path.join(folder, 'data');
    // Prometheus watches the folder of the targets, which has to be there.
    for (const each of [data, path.dirname(this.targetsFile)]) await mkdir(each, { recursive: true, mode: 0o700 });
    const flags = flagsOf(this.context.env);
    const args = [
      `--config.file=${path.join(folder, 'current', configurationFile)}`,
      `--storage.tsdb.path=${data}`,
      `--web.listen-address=${listen}`,
      '--web.enable-lifecycle',
      // Whatever address people see it under, it is asked at its root.
      '--web.route-prefix=/',
      ...usual.filter((each) => !flags.some((flag) => topicOf(flag) === topicOf(each))),
      ...flags,
    ];
    const port = listen.slice(listen.lastIndexOf(':') + 1);
    const host = /^(?:0\.0\.0\.0)?:\d+$/.test(listen) ? '127.0.0.1' : listen.slice(0, listen.lastIndexOf(':'));
    const unlike = (wanted: string, ask: Ask) => this.unlike(wanted, ask);
    const url = `http://${host}:${port}`;
    return startHttpEngine(
      { title: 'Prometheus', program, args, output, url, startLimit, unlike },
      revision,
      this.context,
    );
  }

  accompany(client: ControllerClient): Promise<void> {
    return followTargets(this.targetsFile, client, this.context);
  }

  private async unlike(revision: string, ask: Ask): Promise<string | undefined> {
    await ask('/-/ready');
    if (metricOf(await ask('/metrics'), 'prometheus_config_last_reload_successful') !== 1)
      return 'its last reload failed';
    const { data } = JSON.parse(await ask('/api/v1/status/config')) as { data?: { yaml?: string } };
    return data?.yaml?.includes(markerOf(revision)) ? undefined : 'it runs another configuration';
  }

  private get targetsFile() {
    return path.join(this.settings.folder, targetsName);
  }
}

/** `--storage.tsdb.retention.size` speaks of the same as `--storage.tsdb.retention.time`. */
const topicOf = (flag: string) => flag.split('=')[0]!.split('.').slice(0, 3).join('.');
