import { spawn, type ChildProcess } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Test } from 'tap';
import type { Lab } from '../lab';

/** The compiled runner, as Jenkins gets it. */
export const runner = path.join(__dirname, '../../resources/homeostat/homeostat.cjs');

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
  /** The document of HOMEOSTAT_RESULT. */
  result: Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any
  seconds: number;
}

/** A folder with a small service, in git, and the runner to use on it. */
export class Project {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'homeostat-project-'));
  readonly environment: Record<string, string>;

  constructor(
    readonly lab: Lab,
    readonly name: string,
    readonly image: string,
  ) {
    this.environment = { ...lab.environment(), LANG: 'C.UTF-8' };
    this.git('init', '-q', '-b', 'main');
  }

  write(files: Record<string, string>): this {
    for (const [name, text] of Object.entries(files)) {
      const file = path.join(this.folder, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    return this;
  }

  commit(message = 'a change'): string {
    this.git('add', '-A');
    this.git('commit', '-q', '--allow-empty', '-m', message);
    return this.git('rev-parse', 'HEAD');
  }

  git(...args: string[]): string {
    const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@localhost'];
    return execFileSync('git', ['-C', this.folder, ...identity, ...args], { encoding: 'utf8' }).trim();
  }

  /** Starts the runner; `ended` tells how it went. */
  start(args: string[], environment: Record<string, string> = {}): { child: ChildProcess; ended: Promise<Ended> } {
    const resultFolder = mkdtempSync(path.join(tmpdir(), 'homeostat-result-'));
    const file = path.join(resultFolder, 'result.json');
    const start = performance.now();
    const child = spawn(process.execPath, [runner, ...args], {
      cwd: this.folder,
      env: { ...this.environment, HOMEOSTAT_RESULT: file, ...environment },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const ended = new Promise<Ended>((resolve) => {
      child.on('close', (code, signal) => {
        const result = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>) : {};
        rmSync(resultFolder, { recursive: true, force: true });
        resolve({
          code: code ?? (signal === 'SIGKILL' ? 137 : 1),
          stdout,
          stderr,
          result,
          seconds: (performance.now() - start) / 1000,
        });
      });
    });
    return { child, ended };
  }

  /** Runs the runner to its end. */
  run(args: string[], environment: Record<string, string> = {}): Promise<Ended> {
    return this.start(args, environment).ended;
  }

  /** Builds and pushes an image whose content differs by `content`, and answers with its reference by digest. */
  async publish(content: string): Promise<string> {
    this.write({ 'www/version': content });
    const built = await this.run(['build', '--tag', 'test']);
    if (built.code !== 0) throw new Error(built.stderr);
    const pushed = await this.run(['push', '--tag', 'test']);
    if (pushed.code !== 0) throw new Error(pushed.stderr);
    return String(pushed.result.reference);
  }

  async remove(): Promise<void> {
    for (const stack of await this.stacks()) await this.lab.docker(1, 'stack', 'rm', stack).catch(() => '');
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async stacks(): Promise<string[]> {
    const lines = (await this.lab.docker(1, 'stack', 'ls', '--format', '{{.Name}}')).split('\n');
    return lines.filter((line) => line === this.name || line.startsWith(`${this.name}-c`));
  }
}

/** The Dockerfile of a web server of 2 MB; `command` is what it runs. */
export const busyboxDockerfile = (command = 'exec httpd -f -p 8080 -h /www') => `FROM homeostat-lab/busybox:latest
COPY www /www
HEALTHCHECK --interval=1s --timeout=2s --retries=2 --start-period=5s CMD ["sh", "-c", "nc 127.0.0.1 8080 </dev/null"]
CMD ["sh", "-c", ${JSON.stringify(command)}]
`;

export interface StackOptions {
  replicas?: number;
  /** More lines for `deploy:`, each indented by six blanks. */
  deploy?: string[];
  service?: string[];
}

/** A stack file for a service that is replaced quickly. */
export const stackFile = (
  name: string,
  image: string,
  { replicas = 2, deploy = [], service = [] }: StackOptions = {},
) => `version: '3.8'
services:
  ${name}:
    image: ${image}
    stop_grace_period: 1s
${service.map((line) => `    ${line}\n`).join('')}    deploy:
      replicas: ${replicas}
      endpoint_mode: dnsrr
      update_config: {order: start-first, parallelism: 2, monitor: 1s, failure_action: pause}
      restart_policy: {delay: 1s}
${deploy.map((line) => `      ${line}\n`).join('')}networks:
  default: {driver: overlay, attachable: true}
`;

/** A project with a web server, its image in the lab's open registry, and short time limits. */
export async function webProject(
  t: Test,
  lab: Lab,
  name: string,
  options: StackOptions & { config?: string } = {},
): Promise<Project> {
  await lab.image('busybox');
  const image = `${lab.openRegistry.address}/tests/${name}`;
  const project = new Project(lab, name, image);
  t.teardown(() => project.remove());
  project.write({
    Dockerfile: busyboxDockerfile(),
    'www/index.html': 'hello\n',
    'stack.yml': stackFile(name, image, options),
    'homeostat.yml': options.config ?? `name: ${name}\nimage: ${image}\ndeploy: {deadline: 25s, monitor: 2s}\n`,
  });
  project.commit('first');
  return project;
}

/** Image and replica count of a service as the Swarm has it, or undefined. */
export async function liveService(
  lab: Lab,
  name: string,
): Promise<{ image: string; replicas: number; version: number } | undefined> {
  try {
    const found = (await lab.engine().getService(name).inspect()) as {
      Version: { Index: number };
      Spec: { TaskTemplate: { ContainerSpec: { Image: string } }; Mode: { Replicated: { Replicas: number } } };
    };
    return {
      image: found.Spec.TaskTemplate.ContainerSpec.Image,
      replicas: found.Spec.Mode.Replicated.Replicas,
      version: found.Version.Index,
    };
  } catch {
    return undefined;
  }
}

interface RunningTask {
  Status: { State: string };
  Spec: { ContainerSpec: { Image: string } };
}

/** Images of the tasks that run at this moment; none when there is no such service. */
export async function runningImages(lab: Lab, service: string): Promise<string[]> {
  const filters = JSON.stringify({ service: [service], 'desired-state': ['running'] });
  const tasks = (await lab
    .engine()
    .listTasks({ filters })
    .catch(() => [])) as RunningTask[];
  return tasks.filter((task) => task.Status.State === 'running').map((task) => task.Spec.ContainerSpec.Image);
}

export const until = async (condition: () => Promise<boolean> | boolean, seconds = 30): Promise<boolean> => {
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    if (await condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
};
