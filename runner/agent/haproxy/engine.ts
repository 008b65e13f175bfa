import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import path from 'node:path';
import type { Context } from '../../common/context';
import { messageOf } from '../../common/errors';
import { Refusal, type AgentEngine, type RunningEngine } from '../engine';
import { EngineProcess } from '../engine-process';
import { checkWith, versionOf } from '../engine-tools';
import { takenBinding } from './bindings';
import { parseConfiguration, type ParsedConfiguration } from './configuration';
import { defaultGateways } from './gateways';
import { agentFile, revisionVariable, withLocalFiles } from './local-files';
import { MasterSocket, parseProcesses } from './master-socket';
import { resolveAll } from './resolve';
import { backendsOf, composeState, parseState } from './server-state';
import { withdrawals, type Given } from './withdraw';

export interface HaproxySettings {
  /** Folder that survives: bundles, the link `current`, and the state of the servers. */
  folder: string;
  /** Folder for sockets. */
  runFolder: string;
  program: string;
  /** Where the access log goes. */
  output: number | 'inherit';
  /** Milliseconds after which a check counts as hung. */
  checkLimit: number;
}

/** Milliseconds for host names at a start; what is not known by then HAProxy finds out itself. */
const startLimit = 300;
/** The same for names that a reload brings anew; what ran before serves meanwhile. */
const reloadLimit = 50;
/** Milliseconds for the state of the servers that run. */
const stateLimit = 2000;
/** Milliseconds within which a started or reloaded HAProxy serves. */
const serveLimit = 15_000;

/** HAProxy 2.6 or later, as master and worker. */
export class HaproxyEngine implements AgentEngine {
  readonly name = 'haproxy';
  private readonly socket: MasterSocket;
  /** What the running HAProxy was given. */
  private given: Given = { configuration: '', maps: {} };
  private parsed: { text: string; configuration: ParsedConfiguration } | undefined;

  constructor(
    private readonly settings: HaproxySettings,
    private readonly context: Context,
  ) {
    this.socket = new MasterSocket(this.runFile('master.sock'), context.clock);
  }

  version(): Promise<string> {
    return versionOf(this.settings.program, '-v', this.context);
  }

  async prepare(files: Record<string, string>, revision: string): Promise<Record<string, string>> {
    const routes = await readFile('/proc/net/route', 'utf8').catch(() => '');
    const paths = { state: this.stateFile, adminSocket: this.runFile('admin.sock') };
    return withLocalFiles(files, revision, paths, defaultGateways(routes), await unprivilegedUser());
  }

  async check(folder: string): Promise<void> {
    const { program, checkLimit: limit } = this.settings;
    const args = ['-c', ...configurationIn(folder)];
    const complaint = (stdout: string, stderr: string) => alertsOf(stderr) || stdout.trim();
    const checked = checkWith({ title: 'haproxy -c', program, args, limit, complaint }, this.context);
    await Promise.all([checked, this.parse(path.join(folder, 'haproxy.cfg')).catch(() => undefined)]);
    await this.checkBindings(path.join(folder, 'haproxy.cfg'));
  }

  private async checkBindings(file: string): Promise<void> {
    const before = await readFile(path.join(this.current, 'haproxy.cfg'), 'utf8').catch(() => '');
    const taken = await takenBinding(await readFile(file, 'utf8'), before, file);
    if (taken !== undefined) throw new Refusal(taken);
  }

  async start(revision: string): Promise<RunningEngine> {
    await mkdir(this.settings.runFolder, { recursive: true, mode: 0o700 });
    await this.writeState('', startLimit);
    const { program, output } = this.settings;
    const args = ['-W', '-db', '-S', `${this.runFile('master.sock')},mode,600`, ...configurationIn(this.current)];
    const process = new EngineProcess(
      { title: 'HAProxy', program, args, output, drainSignal: 'SIGUSR1' },
      this.context,
    );
    const over = new AbortController();
    const signal = AbortSignal.any([this.context.signal, over.signal]);
    const ended = process.ended.then((how) => {
      over.abort(new Refusal([how, alertsOf(process.said())].filter(Boolean).join('\n')));
      return how;
    });
    try {
      await this.verify(revision, signal);
      this.given = await this.readGiven();
    } catch (error) {
      await process.drain(0);
      throw error;
    }
    return {
      pid: process.pid,
      ended,
      reload: (next) => this.reload(process, next, signal),
      oldWorkers: async () => parseProcesses(await this.socket.ask('show proc', signal, stateLimit)).old,
      drain: (milliseconds) => process.drain(milliseconds),
    };
  }

  private async reload(process: EngineProcess, revision: string, signal: AbortSignal): Promise<void> {
    await this.withdraw(signal);
    await this.writeState(await this.runningState(signal).catch(() => ''), reloadLimit);
    process.forget();
    const answer = await this.socket.reload(signal);
    const { failed } = parseProcesses(await this.socket.ask('show proc', signal));
    if (failed > 0 || answer.startsWith('Success=0')) {
      throw new Refusal(alertsOf(answer) || alertsOf(process.said()) || 'HAProxy did not take it, and says not why');
    }
    await this.verify(revision, signal);
    this.given = await this.readGiven();
  }

  /** Routes to what is gone end before the reload, which takes a while where there are many services. */
  private async withdraw(signal: AbortSignal): Promise<void> {
    try {
      const next = await readFile(path.join(this.current, 'haproxy.cfg'), 'utf8');
      for (const command of withdrawals(this.given, next)) await this.socket.tell(command, signal, stateLimit);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      this.context.log.debug(`routes that are gone wait for the reload: ${messageOf(error)}`);
    }
  }

  private async readGiven(): Promise<Given> {
    const names = (await readdir(path.join(this.current, 'maps')).catch(() => [])).filter((name) =>
      name.endsWith('.map'),
    );
    const texts = names.map(async (name): Promise<[string, string]> => {
      return [`maps/${name}`, await readFile(path.join(this.current, 'maps', name), 'utf8')];
    });
    return {
      configuration: await readFile(path.join(this.current, 'haproxy.cfg'), 'utf8'),
      maps: Object.fromEntries(await Promise.all(texts)),
    };
  }

  private async runningState(signal: AbortSignal): Promise<string> {
    // After a reload that failed `@1` means nobody.
    const { worker } = parseProcesses(await this.socket.ask('show proc', signal, stateLimit));
    return this.socket.ask(`@!${worker} show servers state`, signal, stateLimit);
  }

  /** Waits until the worker that serves has this configuration. */
  private async verify(revision: string, signal: AbortSignal): Promise<void> {
    const { clock } = this.context;
    const end = clock.monotonic() + serveLimit;
    const wanted = `${revisionVariable}=${revision}`;
    let answer = '';
    while (clock.monotonic() < end) {
      answer = (await this.socket.ask(`@1 show env ${revisionVariable}`, signal, serveLimit)).trim();
      if (answer === wanted) return;
      await clock.sleep(5, signal);
    }
    throw new Error(`HAProxy does not run revision ${revision}: it says '${answer.slice(0, 200)}'`);
  }

  /** The state from which HAProxy starts: see composeState. Without it HAProxy resolves everything itself, a bit later. */
  private async writeState(running: string, limit: number): Promise<void> {
    try {
      const { servers, nameServers } = await this.parse(path.join(this.current, 'haproxy.cfg'));
      const rows = parseState(running);
      const known = backendsOf(running);
      const names = servers.filter((line) => line.resolved && !known.has(line.backend)).map((line) => line.host);
      const found = await resolveAll(names, nameServers, limit, this.context.clock);
      await writeFile(`${this.stateFile}.part`, composeState(servers, rows, found), { mode: 0o600 });
      await rename(`${this.stateFile}.part`, this.stateFile);
    } catch (error) {
      this.context.log.warn(`HAProxy starts without the state of its servers: ${messageOf(error)}`);
    }
  }

  /** A large configuration takes a while to parse: it is done once, while HAProxy checks it. */
  private async parse(file: string): Promise<ParsedConfiguration> {
    const text = await readFile(file, 'utf8');
    if (this.parsed?.text !== text) this.parsed = { text, configuration: parseConfiguration(text) };
    return this.parsed.configuration;
  }

  private get current() {
    return path.join(this.settings.folder, 'current');
  }
  private get stateFile() {
    return path.join(this.settings.folder, 'server-state');
  }
  private runFile(name: string) {
    return path.join(this.settings.runFolder, name);
  }
}

const configurationIn = (folder: string) => [
  ...['-f', path.join(folder, 'haproxy.cfg')],
  ...['-f', path.join(folder, agentFile)],
];

/** The messages that say what is wrong, with the lines that go on; all of them where none is marked so. */
function alertsOf(text: string): string {
  const messages = text.replace(/^Success=\d\n(?:--\n)?/, '').split(/^(?=\[(?:ALERT|WARNING|NOTICE|DIAG)\])/m);
  const alerts = messages.filter((message) => message.startsWith('[ALERT]'));
  return (alerts.length > 0 ? alerts : messages).join('').trim();
}

/** The account that Debian's package makes for HAProxy's workers, where there is one and it can be changed to. */
async function unprivilegedUser(): Promise<string | undefined> {
  if (userInfo().uid !== 0) return undefined;
  const named = async (file: string) => /^haproxy:/m.test(await readFile(file, 'utf8').catch(() => ''));
  return (await named('/etc/passwd')) && (await named('/etc/group')) ? 'haproxy' : undefined;
}
