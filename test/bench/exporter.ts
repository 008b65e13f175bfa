import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { bundle } from '../../build/bundle';
import { nodeFolders, noFolders, until } from '../exporter/support';
import { withLab, type Lab } from '../lab';
import { noteInto, pause, percentile, type Series } from './measure';
import { writeSection } from './report';

const count = 100;
const interval = 5000;
const rounds = 20;
const cadvisorVersion = 'v0.49.2';
const execute = promisify(execFile);

/** As in the image of the system: the C library gives memory back that starting has taken, which is 19 MB. */
const trimmed = { MALLOC_TRIM_THRESHOLD_: '65536' };

const series: Series[] = [];
const note = noteInto(series);
/** Seconds of processor time of all threads of a process; the kernel's statistics of ticks are too coarse for it. */
function processorTime(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const spent = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
    return spent.reduce((sum, nanoseconds) => sum + Number(nanoseconds), 0) / 1e9;
  } catch {
    return 0;
  }
}

const megabytes = (pid: number, key: 'VmRSS' | 'VmHWM') =>
  Number(new RegExp(`${key}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

/** The processes by which the Engine of a lab does its work. */
function engineProcesses(lab: Lab): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      try {
        const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
        const inLab = readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(`/${lab.name}/`);
        return inLab && ['dockerd', 'containerd', 'containerd-shim'].includes(name);
      } catch {
        return false;
      }
    });
}

const sum = (numbers: number[]) => numbers.reduce((all, each) => all + each, 0);

/** Scrapes at the interval; answers with what a process and those of the Engine took in each. */
async function measure(lab: Lab, pid?: number, url?: string) {
  const engine = engineProcesses(lab);
  const found = { own: [] as number[], engine: [] as number[], memory: [] as number[], scrape: [] as number[] };
  const share = (seconds: number) => (seconds / (interval / 1000)) * 100;
  for (let round = 0; round < rounds; round++) {
    const [own, others] = [pid ? processorTime(pid) : 0, sum(engine.map(processorTime))];
    const start = performance.now();
    if (url) {
      const text = await (await fetch(url)).text();
      found.scrape.push(performance.now() - start);
      const told = text.match(/^container_memory_working_set_bytes\{[^}]*name="bench-/gm)?.length;
      if (told !== count) throw new Error(`${told} containers of ${count} are told of`);
    }
    await pause(interval - (performance.now() - start));
    if (pid) found.own.push(share(processorTime(pid) - own));
    if (pid) found.memory.push(megabytes(pid, 'VmRSS'));
    found.engine.push(share(sum(engine.map(processorTime)) - others));
  }
  return found;
}

async function cadvisor(): Promise<string | undefined> {
  const folder = path.join(__dirname, `../../.cache/bench/cadvisor-${cadvisorVersion}`);
  const program = path.join(folder, 'cadvisor');
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  copyFileSync(path.join(__dirname, 'cadvisor/main.go'), path.join(folder, 'main.go'));
  const go = (...words: string[]) => execute('go', words, { cwd: folder, env: { ...process.env, CGO_ENABLED: '0' } });
  try {
    if (!existsSync(path.join(folder, 'go.mod'))) await go('mod', 'init', 'bench');
    await go('get', `github.com/google/cadvisor@${cadvisorVersion}`);
    await go('mod', 'tidy');
    await go('build', '-o', 'cadvisor', '.');
    return program;
  } catch (error) {
    process.stderr.write(`cAdvisor cannot be built here: ${String(error)}\n`);
    return undefined;
  }
}

const answers = (url: string) =>
  fetch(url).then(
    async (answer) => (await answer.text()).includes(`name="bench-${count - 1}"`),
    () => false,
  );

t.test('the exporter', async (t) => {
  const compiled = mkdtempSync(path.join(tmpdir(), 'homeostat-runner-'));
  t.teardown(() => rmSync(compiled, { recursive: true, force: true }));
  await bundle(compiled);
  const lab = await withLab(t);
  const image = await lab.image('busybox');
  const engine = lab.engine();
  for (let number = 0; number < count; number++) {
    const labels = {
      'com.docker.swarm.service.name': `shop_bench${number}`,
      'com.docker.swarm.service.id': 'abcdefghijklmnopqrstuvwxy',
      'com.docker.swarm.task.name': `shop_bench${number}.1.abcdefghijklmnopqrstuvwxy`,
      'com.docker.swarm.task.id': 'abcdefghijklmnopqrstuvwxy',
      'com.docker.swarm.node.id': 'abcdefghijklmnopqrstuvwxy',
      'com.docker.stack.namespace': 'shop',
    };
    const options = { Labels: labels, HostConfig: { Memory: 64 * 2 ** 20 } };
    const create = { name: `bench-${number}`, Image: image, Cmd: ['sleep', '100000'], ...options };
    await (await engine.createContainer(create)).start();
  }
  await pause(10_000);

  const children: ChildProcess[] = [];
  t.teardown(() => children.forEach((child) => child.kill('SIGKILL')));
  const start = (program: string, ...words: string[]) => {
    const env = { ...process.env, ...lab.environment(), ...trimmed, LAB: lab.name };
    const child = spawn(program, words, { env, stdio: 'ignore' });
    children.push(child);
    return child;
  };
  const exporter = async (port: number, { cgroup, proc } = nodeFolders(lab)) => {
    const words = ['--port', String(port), '--host', '127.0.0.1', '--cgroup', cgroup, '--proc', proc];
    const child = start(process.execPath, path.join(compiled, 'homeostat.cjs'), 'exporter', ...words);
    const url = `http://127.0.0.1:${port}/metrics`;
    await until('the exporter answers', () => answers(url));
    return { child, pid: child.pid!, url };
  };

  await t.test('what the Engine takes when nobody asks', async () => {
    const { engine } = await measure(lab);
    note("the Engine's processes, nobody asks", '% of a core', '', engine);
  });

  await t.test("by the node's files", async (t) => {
    const { child, pid, url } = await exporter(19_101);
    const found = await measure(lab, pid, url);
    note('exporter', '% of a core', '≤ 1', found.own);
    note('exporter: resident memory', 'MB', '≤ 80', found.memory);
    note('exporter: largest it ever was', 'MB', '', [megabytes(pid, 'VmHWM')]);
    note('exporter: scrape of 100 containers', 'ms', '', found.scrape);
    note("the Engine's processes beside it", '% of a core', '', found.engine);
    t.ok(percentile(found.own, 0.95) <= 1);
    t.ok(Math.max(...found.memory) <= 80);
    child.kill('SIGTERM');
  });

  await t.test('cAdvisor', async () => {
    const program = await cadvisor();
    if (!program) return;
    const listen = `${lab.address()}:18080`;
    start('test/lab/lab', 'exec', '1', program, '-listen', listen, '-interval', '5s', '-docker_only');
    const url = `http://${listen}/metrics`;
    await until('cAdvisor answers', () => answers(url));
    const [pid] = readdirSync('/proc').filter((entry) => {
      try {
        return /^\d+$/.test(entry) && readFileSync(`/proc/${entry}/cmdline`, 'utf8').startsWith(`${program}\0`);
      } catch {
        return false;
      }
    });
    await pause(30_000);
    const found = await measure(lab, Number(pid), url);
    note(`cAdvisor ${cadvisorVersion}`, '% of a core', '', found.own);
    note('cAdvisor: resident memory', 'MB', '', found.memory);
    note('cAdvisor: scrape of 100 containers', 'ms', '', found.scrape);
    process.kill(Number(pid), 'SIGKILL');
  });

  await t.test("by the Engine, without the node's files", async () => {
    const { child, pid, url } = await exporter(19_102, noFolders);
    const found = await measure(lab, pid, url);
    note("exporter without the node's files", '% of a core', '', found.own);
    note("the Engine's processes beside it then", '% of a core', '', found.engine);
    note('a scrape then', 'ms', '', found.scrape);
    child.kill('SIGTERM');
  });
});

t.teardown(() =>
  writeSection(
    'The exporter',
    `One node with ${count} containers, each with a memory limit and one network, scraped every 5 s. Processor time of all threads in each interval. cAdvisor counts memory, processor and network only, every 5 s.`,
    series,
  ),
);
