import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { ChildProcess } from 'node:child_process';
import type { Test } from 'tap';
import { runnerImage } from '../../runner/system/images';
import { uniqueName, type Lab } from '../lab';
import { realContext } from '../lab/context';
import { Project, stackFile, until, type StackOptions } from './support';

/** A service with a unit test and a functional test, each a shell script that a test may replace. */
const dockerfile = `FROM homeostat-lab/busybox:latest AS base
COPY www /www
FROM base AS unit
COPY tests /tests
CMD ["sh", "/tests/unit"]
FROM base AS functional
COPY tests /tests
CMD ["sh", "/tests/functional"]
FROM base
COPY start /start
HEALTHCHECK --interval=1s --timeout=2s --retries=2 --start-period=4s CMD ["wget", "-qO", "/dev/null", "http://127.0.0.1:8080/index.html"]
CMD ["sh", "/start"]
`;

export const greenTest = (kind: string) => `mkdir /results
echo '<testsuite name="${kind}" tests="1"><testcase name="works"/></testsuite>' >/results/${kind}.xml
echo ${kind} test of \${SERVICE_NAME:-nobody}
[ ${kind} = unit ] || [ "$(wget -qO- "$SERVICE_URL/index.html")" = hello ]
`;

export interface DeliveryOptions {
  /** The part of homeostat.yml below name and image. */
  config?: string;
  stack?: StackOptions;
  stackText?: (name: string, image: string) => string;
  registry?: string;
}

export const allTests = 'tests: {unit: {}, functional: {target: functional}}\n';
export const quickDeploy = 'deploy: {deadline: 25s, monitor: 1s}\ncandidate: {deadline: 25s}\n';

/** A service in git that can be delivered; everything of it is gone at the end. */
export async function deliveryProject(t: Test, lab: Lab, options: DeliveryOptions = {}): Promise<Project> {
  await lab.image('busybox');
  const name = uniqueName('dlv');
  const image = `${options.registry ?? lab.openRegistry.address}/tests/${name}`;
  const project = new Project(lab, name, image);
  t.teardown(async () => {
    for (const candidate of new Set(
      (await leftovers(lab, name)).flatMap((line) => line.match(candidateOf(name)) ?? []),
    ))
      await project.run(['cleanup', '--build', candidate.slice(name.length + 2)]);
    await project.remove();
    await forget(lab, project);
  });
  project.write({
    Dockerfile: dockerfile,
    'www/index.html': 'hello\n',
    'tests/unit': greenTest('unit'),
    'tests/functional': greenTest('functional'),
    start: 'exec httpd -f -p 8080 -h /www\n',
    'stack.yml': options.stackText?.(name, image) ?? stackFile(name, image, { replicas: 1, ...options.stack }),
    'homeostat.yml': `name: ${name}\nimage: ${image}\n${options.config ?? allTests + quickDeploy}`,
  });
  project.commit('first');
  return project;
}

/** Removes what a removed stack leaves: its releases in the store, its volumes and its images. */
async function forget(lab: Lab, { name, image }: Project): Promise<void> {
  const engine = lab.engine();
  const own = (each: object) => JSON.stringify(each).includes(name);
  const gone = () => undefined;
  const ids = (await lab.docker(1, 'image', 'ls', '--quiet', image)).split('\n').filter(Boolean);
  if (ids.length > 0) await lab.docker(1, 'image', 'rm', '--force', ...new Set(ids)).catch(gone);
  for (const config of (await engine.listConfigs()).filter(own)) await engine.getConfig(config.ID).remove().catch(gone);
  const volumes = async () => ((await engine.listVolumes()).Volumes ?? []).filter(own);
  await until(async () => {
    for (const { Name } of await volumes()) await engine.getVolume(Name).remove().catch(gone);
    return (await volumes()).length === 0;
  }, 15);
}

const candidateOf = (name: string) => new RegExp(`${name}-c[a-z0-9-]+`);

/** Everything on the Swarm and on the node that belongs to a candidate of the service, one line each. */
export async function leftovers(lab: Lab, name: string): Promise<string[]> {
  const engine = lab.engine();
  const [services, networks, secrets, configs, { Volumes }, containers] = await Promise.all([
    engine.listServices(),
    engine.listNetworks(),
    engine.listSecrets(),
    engine.listConfigs(),
    engine.listVolumes(),
    engine.listContainers({ all: true }),
  ]);
  const kinds = { services, networks, secrets, configs, volumes: Volumes ?? [], containers };
  return Object.entries(kinds).flatMap(([kind, list]) =>
    (list as object[])
      .map((each) => JSON.stringify(each))
      .filter((text) => text.includes(`${name}-c`))
      .map((text) => `${kind}: ${text.match(candidateOf(name))?.[0] ?? ''} ${text}`),
  );
}

/** The report that the pipeline left in the folder. */
export const reportOf = (project: Project) =>
  JSON.parse(readFileSync(path.join(project.folder, 'homeostat-reports/pipeline.json'), 'utf8')) as {
    verdict: string;
    stages: { name: string; verdict: string; seconds: number }[];
    tests: { name: string; junit: string[]; load?: Record<string, number> }[];
    reference?: string;
    release?: number;
    error?: { code: string; evidence?: string[] };
  };

/** Sees to it that the Engine has an image under the name of the runner's own, which takes long to build. */
export async function provideRunnerImage(lab: Lab): Promise<void> {
  const { version } = JSON.parse(readFileSync(path.join(__dirname, '../../package.json'), 'utf8')) as {
    version: string;
  };
  const { name } = await runnerImage(realContext({ version }));
  await lab.docker(1, 'tag', await lab.image('node'), name);
}

/** The most memory that a process had in use while it lived, in megabytes. */
export async function peakMemory(child: ChildProcess): Promise<number> {
  let peak = 0;
  while (child.exitCode === null && child.signalCode === null) {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
    } catch {
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return peak;
}
