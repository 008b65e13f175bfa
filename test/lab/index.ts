import { execFile, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import tap, { type Test } from 'tap';
import { provideImage, type ImageName } from './images';

const program = path.join(__dirname, 'lab');
const runFile = promisify(execFile);

/** What `lab describe` prints; HOMEOSTAT_TEST_LAB holds the same of the lab that all test files of a run share. */
interface Coordinates {
  name: string;
  folder: string;
  subnet: string;
  gateway: string;
  openRegistry: { address: string };
  registry: { address: string; user: string; password: string };
}

export interface LabOptions {
  /** 1 to 9; default 1. */
  nodes?: number;
  /** How many of them are managers; default: the first three. */
  managers?: number;
  /** More flags for every dockerd. */
  dockerdFlags?: string;
  /** More flags for `docker swarm init`, such as `--dispatcher-heartbeat 1s`. */
  initFlags?: string;
  /** Version of control groups, when the machine mounts both. */
  cgroups?: 1 | 2;
}

export class Lab {
  constructor(private readonly coordinates: Coordinates) {}

  /** What sets this lab apart; `LAB=<name> test/lab/lab status` shows it. */
  get name() {
    return this.coordinates.name;
  }
  /** A registry that wants a user and a password. */
  get registry() {
    return this.coordinates.registry;
  }
  /** A registry that wants none. */
  get openRegistry() {
    return this.coordinates.openRegistry;
  }
  /** The address under which nodes reach programs of the test itself. */
  get gateway() {
    return this.coordinates.gateway;
  }
  /** Address of a node; ports published there can be reached from the test. */
  address(node = 1) {
    return `${this.coordinates.subnet}.${node}`;
  }
  socket(node = 1) {
    return path.join(this.coordinates.folder, `node${node}.sock`);
  }
  dockerHost(node = 1) {
    return `unix://${this.socket(node)}`;
  }
  engine(node = 1) {
    return new Docker({ socketPath: this.socket(node) });
  }
  /** Environment for the runner or the Docker client against a node; nothing of the caller's Docker settings is in it. */
  environment(node = 1): Record<string, string> {
    return {
      PATH: process.env.PATH ?? '',
      HOME: path.join(this.coordinates.folder, 'home'),
      DOCKER_HOST: this.dockerHost(node),
      DOCKER_CONFIG: path.join(this.coordinates.folder, 'docker-config'),
    };
  }
  /** Standard output of the Docker client on a node. */
  docker(node: number, ...words: string[]) {
    return this.verb('docker', String(node), ...words);
  }
  /** Standard output of a program inside a node. */
  exec(node: number, ...words: string[]) {
    return this.verb('exec', String(node), ...words);
  }
  powerOff(node: number) {
    return this.verb('power-off', String(node));
  }
  boot(node: number) {
    return this.verb('boot', String(node));
  }
  /** Kills only the Engine of a node; its containers go on. */
  stopEngine(node: number, signal = 'KILL') {
    return this.verb('stopd', String(node), signal);
  }
  startEngine(node: number) {
    return this.verb('startd', String(node));
  }
  cut(node: number) {
    return this.verb('cut', String(node));
  }
  heal(node: number) {
    return this.verb('heal', String(node));
  }
  /** Starts one more registry without password, its storage limited to a size such as `16m`. */
  async smallRegistry(name: string, port: number, size: string) {
    await this.verb('registry', name, String(port), size);
    return { address: `${this.gateway}:${port}` };
  }
  /** Tag of an image for tests, after seeing to it that the node has it. */
  image(name: ImageName, node = 1) {
    return provideImage(this.engine(node), name);
  }
  /** The same by its id: by a name each task would ask a registry first. */
  async imageId(name: ImageName, node = 1): Promise<string> {
    return (
      await this.engine(node)
        .getImage(await this.image(name, node))
        .inspect()
    ).Id;
  }
  down() {
    return this.verb('down');
  }

  private async verb(...words: string[]): Promise<string> {
    return (await runLab(this.name, words)).trimEnd();
  }
}

/** Standard output of one verb of test/lab/lab. */
export async function runLab(name: string, words: string[], environment: Record<string, string> = {}): Promise<string> {
  const env: Record<string, string | undefined> = { ...process.env, LAB: name, ...environment };
  delete env.DOCKER_HOST;
  delete env.DOCKER_CONFIG;
  try {
    return (await runFile(program, words, { env, maxBuffer: 1 << 26 })).stdout;
  } catch (error) {
    // tap shows no message of an error whose code is a number, as that of a program that failed is.
    throw new Error((error as Error).message, { cause: error });
  }
}

async function start(t: Pick<Test, 'teardown'>, options: LabOptions): Promise<Lab> {
  const name = `test-${process.pid}-${randomBytes(2).toString('hex')}`;
  const remove = () => spawnSync(program, ['down'], { env: { ...process.env, LAB: name } });
  process.once('exit', remove);
  t.teardown(async () => {
    await runLab(name, ['down']);
    process.off('exit', remove);
  });
  await runLab(name, ['up', String(options.nodes ?? 1)], {
    LAB_OWNER: String(process.pid),
    ...(options.managers ? { LAB_MANAGERS: String(options.managers) } : {}),
    ...(options.dockerdFlags ? { LAB_DOCKERD_FLAGS: options.dockerdFlags } : {}),
    ...(options.initFlags ? { LAB_INIT_FLAGS: options.initFlags } : {}),
    ...(options.cgroups ? { LAB_CGROUP: String(options.cgroups) } : {}),
  });
  return new Lab(JSON.parse(await runLab(name, ['describe'])) as Coordinates);
}

/** A lab of this test's own, for tests that break nodes; it is gone when the test has ended. */
export const withLab = (t: Test, options: LabOptions = {}): Promise<Lab> => start(t, options);

let own: Promise<Lab> | undefined;

/**
 * The one-node lab that all test files of a run share: for tests that leave the node as it was and use names of their
 * own (`uniqueName`). A file that is run alone starts one for itself, which is gone when the file has ended.
 */
export async function sharedLab(_t?: Test): Promise<Lab> {
  const coordinates = process.env.HOMEOSTAT_TEST_LAB;
  return coordinates ? new Lab(JSON.parse(coordinates) as Coordinates) : (own ??= start(tap, {}));
}

/** A name nobody else uses, for stacks, services and images in a shared lab. */
export const uniqueName = (prefix: string) => `${prefix}-${randomBytes(4).toString('hex')}`;
