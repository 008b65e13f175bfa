import { readdirSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { killHard } from './child';
import { serverFolders, trigger } from './killed-server';
import { isAlive } from './running-build';
import { consoleOf, ended, repositoryIn, temporaryFolder, until, type BuildJson } from './support';

t.test('durability', async (t) => {
  const folderFor = await serverFolders(t);

  await t.test('after a kill the interrupted build is settled and what waits runs once', async (t) => {
    const folder = folderFor(t);
    const first = await folder.start();
    await trigger(first, 'mode=stubborn');
    const { pid } = await until(() => folder.records()[0]);
    for (let count = 1; count <= 5; count++) t.equal((await trigger(first, `service=s${count}`)).status, 201);
    await killHard(first);
    t.ok(isAlive(pid), 'the build outlived its server');

    const second = await folder.start();
    t.notOk(isAlive(pid), 'the next server ends it');
    t.match(second.output(), /service-scale #1 was interrupted and is settled as ABORTED/);
    t.equal((await ended(second.client, 'service-scale', 1)).result, 'ABORTED');
    t.match(
      await consoleOf(second.client, 'service-scale', 1),
      /The job server was stopped while this build ran.*\nFinished: ABORTED\n$/,
    );
    t.equal((await ended(second.client, 'service-scale', 6)).result, 'SUCCESS');
    t.same(
      folder.records().map(({ parameters }) => parameters.service),
      [undefined, 's1', 's2', 's3', 's4', 's5'],
    );
    await killHard(second);
    const third = await folder.start();
    t.equal((await third.client.get('job/service-scale/api/json')).data.lastBuild.number, 6, 'and not once more');
    t.equal(folder.records().length, 6);
    await killHard(third);
  });

  await t.test('an interrupted pipeline is cleaned up', async (t) => {
    const folder = folderFor(t, repositoryIn(temporaryFolder(t)).url);
    const first = await folder.start();
    await first.client.post('job/shop/build');
    await until(() => folder.records()[0]);
    await killHard(first);
    const second = await folder.start();
    await until(() => folder.records().length === 2);
    t.same(folder.records()[1]!.args, ['cleanup', '--build', '1']);
    await second.client.post('job/shop/build');
    await until(() => folder.records().length === 3);
    t.same(folder.records()[2]!.args, ['pipeline', '--build', '2'], 'the next build starts after the clean-up');
    await killHard(second);
    const third = await folder.start();
    await until(() => folder.records().length === 4);
    t.same(folder.records()[3]!.args, ['cleanup', '--build', '2']);
    await killHard(third);
  });

  await t.test('killed at any moment: what was confirmed is built once', async (t) => {
    const folder = folderFor(t);
    const confirmed: string[] = [];
    for (let round = 0; round < 5; round++) {
      const server = await folder.start();
      let open = true;
      const post = async (sender: number) => {
        for (let count = 0; open && count < 8; count++) {
          const id = `r${round}s${sender}c${count}`;
          const answer = await trigger(server, `service=${id}`).catch(() => undefined);
          if (answer?.status === 201) confirmed.push(id);
        }
      };
      const senders = [1, 2, 3].map(post);
      await until(() => confirmed.some((id) => id.startsWith(`r${round}`)));
      await new Promise((resolve) => setTimeout(resolve, 23 * round));
      await killHard(server);
      open = false;
      await Promise.all(senders);
    }
    const last = await folder.start();
    await until(async () => (await last.client.get('queue/api/json')).data.items.length === 0, 120_000);
    const number = (await last.client.get('job/service-scale/api/json')).data.lastBuild.number as number;
    await ended(last.client, 'service-scale', number);
    const built = new Map<string, number>();
    for (const name of readdirSync(path.join(folder.data, 'jobs/service-scale/builds'))) {
      const { data } = await last.client.get<BuildJson>(`job/service-scale/${name}/api/json`);
      const parameters = data.actions[0]!.parameters as { name: string; value: string }[];
      const id = parameters.find((each) => each.name === 'service')!.value;
      built.set(id, (built.get(id) ?? 0) + 1);
      if (data.result !== 'SUCCESS' && data.result !== 'ABORTED') t.fail(`${id} ended with ${data.result}`);
    }
    t.ok(confirmed.length > 10, `${confirmed.length} were confirmed`);
    t.same(
      confirmed.filter((id) => built.get(id) !== 1),
      [],
      'each of them was built exactly once',
    );
    t.same(
      [...built].filter(([, count]) => count > 1),
      [],
      'nothing was built twice',
    );
    const runs = folder.records().map(({ parameters }) => parameters.service);
    t.equal(new Set(runs).size, runs.length, 'nothing ran twice');
    await killHard(last);
  });
});
