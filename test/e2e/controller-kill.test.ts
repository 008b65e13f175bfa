import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import type { Bundle } from '../../runner/common/bundle';
import { clientOf, eventually, Site, tokens } from '../controller/live';
import { badPort, route } from '../controller/support';
import { compiledRunner } from '../jobs/child';
import { sharedLab, uniqueName } from '../lab';

/** `homeostat controller` as a process of its own. */
class ControllerProcess {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'homeostat-controller-'));
  output = '';

  constructor(
    t: Test,
    private readonly runner: string,
    private readonly site: Site,
  ) {
    for (const role of ['agent', 'reader'] as const) writeFileSync(path.join(this.folder, role), tokens[role]);
    t.teardown(() => rmSync(this.folder, { recursive: true, force: true }));
  }

  start() {
    const files = ['--agent-token-file', 'agent', '--reader-token-file', 'reader', '--secrets-folder', 'secrets'];
    const child = spawn(process.execPath, [this.runner, 'controller', '--listen', '127.0.0.1:0', ...files], {
      cwd: this.folder,
      env: { ...this.site.lab.environment(), ...this.site.environment() },
    });
    const before = this.output.length;
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text: Buffer) => (this.output += String(text)));
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    const address = async () => {
      let found: string | undefined;
      await eventually(() => {
        found = /listens on (\S+)/.exec(this.output.slice(before))?.[1];
        return found !== undefined;
      }, 15_000);
      return found!;
    };
    return { child, ended, address };
  }
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

t.test('killed 50 times at random while services come and go: afterwards what is published is the Swarm', async (t) => {
  const place = await new Site(await sharedLab(t)).prepare(t);
  const work = new ControllerProcess(
    t,
    await compiledRunner(mkdtempSync(path.join(tmpdir(), 'homeostat-runner-'))),
    place,
  );
  const wanted = new Map<string, string>();
  let churning = true;
  const churn = async () => {
    for (let count = 0; churning; count++) {
      const name = uniqueName('churn');
      await place.create(name, route(`/${name}-new`));
      wanted.set(name, `/${name}-new`);
      const [oldest] = wanted.keys();
      if (count % 3 === 1) {
        await place.update(oldest!, route(`/${oldest}-next`));
        wanted.set(oldest!, `/${oldest}-next`);
      } else if (count % 3 === 2) await place.update(name, badPort('/bad'));
      if (wanted.size > 12) {
        await place.remove(oldest!);
        wanted.delete(oldest!);
      }
      await pause(40);
    }
  };
  const churned = churn();
  for (let kill = 0; kill < 50; kill++) {
    const { child, ended } = work.start();
    await pause(100 + Math.random() * 500);
    child.kill('SIGKILL');
    await ended;
  }
  churning = false;
  await churned;
  const { child, ended, address } = work.start();
  const client = clientOf(await address(), tokens.agent);
  let bundle: Partial<Bundle> = {};
  await eventually(
    async () => (bundle = (await client.get<Bundle>('/v1/bundles/haproxy')).data).revision !== undefined,
  );
  const text = JSON.stringify(bundle.files);
  const paths = [...text.matchAll(/\/churn-\w+-(?:new|next)/g)].map(([found]) => found);
  t.same([...new Set(paths)].sort(), [...wanted.values()].sort(), 'each with its last good labels, and no other');
  const start = performance.now();
  child.kill('SIGTERM');
  t.equal(await ended, 143);
  t.ok(performance.now() - start < 5000, `ended after ${Math.round(performance.now() - start)} ms`);
  t.notMatch(work.output, /INTERNAL|Unhandled/);
});

t.test('tokens that are missing and options that are wrong are told before anything is done', async (t) => {
  const place = await new Site(await sharedLab(t)).prepare(t);
  const work = new ControllerProcess(
    t,
    await compiledRunner(mkdtempSync(path.join(tmpdir(), 'homeostat-runner-'))),
    place,
  );
  rmSync(path.join(work.folder, 'agent'));
  t.equal(await work.start().ended, 2);
  t.match(work.output, /SECRET_MISSING: the agents' token cannot be read from agent/);
});
