import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import path from 'node:path';
import t from 'tap';
import { bundleOf } from '../../runner/common/bundle';
import { ask, scene, startAgent, until } from './support';

const shop = 'shop.example.com';

t.test('an answer that cannot be used changes nothing, and the next good one is taken', async (t) => {
  const { controller, controllerUrl, port, files } = await scene(t);
  const good = controller.publish(files());
  const agent = await startAgent(t, { controller: controllerUrl });
  await until('it serves', () => agent.pid());
  const bundle = bundleOf('haproxy', '', files('# other\n'));
  const send = (document: unknown) => (response: ServerResponse) => response.end(JSON.stringify(document));
  const bad: [string, (response: ServerResponse) => void][] = [
    ['text', (response) => response.end('hello')],
    ['nothing', (response) => response.end()],
    ['another document', send({ files: [] })],
    ['another engine', send({ ...bundle, engine: 'prometheus' })],
    ['another instance', send({ ...bundle, instance: 'inside' })],
    ['a part of the files', send({ ...bundle, files: { 'haproxy.cfg': '' } })],
    ['a file outside', send(bundleOf('haproxy', '', { ...bundle.files, '../../escaped': 'x' }))],
    ['an absolute file', send(bundleOf('haproxy', '', { ...bundle.files, '/tmp/homeostat-escaped': 'x' }))],
    ['a hidden file', send(bundleOf('haproxy', '', { ...bundle.files, 'maps/.bundle.json': 'x' }))],
    ['an error', (response) => response.writeHead(500).end('{}')],
    ['a way elsewhere', (response) => response.writeHead(302, { location: `http://127.0.0.1:1/` }).end()],
    [
      'half of it',
      (response) => {
        const text = JSON.stringify(bundle);
        response.writeHead(200, { 'content-length': text.length });
        response.write(text.slice(0, text.length / 2), () => response.destroy());
      },
    ],
  ];
  let running = good;
  for (const [what, answer] of bad) {
    let times = 0;
    controller.instead = (request, response) => {
      if (request.method === 'PUT') return response.writeHead(204).end();
      times++;
      return answer(response);
    };
    // What it waits for comes, and then the bad answer.
    running = controller.publish(files(`# before ${what}\n`));
    await until(`it has met ${what}`, () => times > 0);
    controller.instead = undefined;
    const before = controller.asked.length;
    const asksAgain = () => controller.asked.slice(before).some((each) => each.startsWith('GET'));
    await until('it asks again', () => asksAgain() && controller.last?.running === running);
    t.equal((await ask(port, shop)).status, 200, what);
  }
  const whole = (await readdir(path.join(agent.folder, 'bundles'))).every((name) => /^[0-9a-f]{16}$/.test(name));
  t.ok(whole, 'nothing is left of them');
  t.notOk(existsSync('/tmp/homeostat-escaped'));
  t.notOk(existsSync(path.join(agent.folder, '..', 'escaped')));
  controller.instead = undefined;
  const next = controller.publish(files('# next\n'));
  await until('the next one runs', () => controller.last?.running === next, 20_000);
});

t.test('an answer without end is cut off', async (t) => {
  const { controller, controllerUrl } = await scene(t);
  let sent = 0;
  controller.instead = (_request, response) => {
    const piece = Buffer.alloc(1 << 20, 'x');
    const more = () => {
      while (!response.destroyed && response.write(piece)) sent++;
    };
    response.on('drain', more);
    more();
  };
  const agent = await startAgent(t, { controller: controllerUrl });
  await until('it gives up', () => /maxContentLength/.test(agent.context.written()));
  controller.instead = (_request, response) => void response.writeHead(503).end();
  t.ok(sent < 400, `${sent} MiB were sent`);
});

t.test('a controller that answers at once, again and again, is not asked without end', async (t) => {
  const { controller, controllerUrl } = await scene(t);
  controller.instead = (_request, response) => void response.writeHead(304).end();
  await startAgent(t, { controller: controllerUrl });
  await new Promise((resolve) => setTimeout(resolve, 2500));
  t.ok(controller.asked.filter((each) => each.startsWith('GET')).length <= 4);
});

t.test('a wrong token is told once, and tried again slowly', async (t) => {
  const { controller, controllerUrl, files } = await scene(t);
  controller.publish(files());
  const agent = await startAgent(t, { controller: controllerUrl, token: 'another-token' });
  await until('it tells', () => /does not know the token/.test(agent.context.written()));
  const asked = controller.asked.length;
  await new Promise((resolve) => setTimeout(resolve, 1500));
  t.ok(controller.asked.length - asked <= 1);
  t.equal(agent.context.written().match(/does not know the token/g)?.length, 1);
  t.equal(await agent.pid(), undefined);
});

t.test('a missing token file is told with its name', async (t) => {
  const { controllerUrl } = await scene(t);
  const agent = await startAgent(t, { controller: controllerUrl, settings: { tokenFile: '/nowhere/token' } });
  await until('it tells', () =>
    /the file with the token cannot be read: .*\/nowhere\/token/.test(agent.context.written()),
  );
});

t.test('a checker that hangs is ended, and what it was asked is tried again', async (t) => {
  const { controller, controllerUrl, port, files } = await scene(t);
  const work = t.testdir({
    haproxy: `#!/bin/sh\n[ "$1" != -c ] || [ ! -e "$(dirname "$0")/hang" ] || exec sleep 60\nexec haproxy "$@"\n`,
  });
  const program = path.join(work, 'haproxy');
  await chmod(program, 0o755);
  const good = controller.publish(files());
  const agent = await startAgent(t, { controller: controllerUrl, program, checkLimit: 1500 });
  await until('it serves', () => agent.pid());
  await writeFile(path.join(work, 'hang'), '');
  const next = controller.publish(files('# next\n'));
  await until('it tells', () => /did not end within 1.5 s/.test(controller.last?.problem ?? ''));
  t.match(controller.last, { running: good });
  t.notOk(controller.last?.refused, 'the bundle is not blamed');
  t.equal((await ask(port, shop)).status, 200);
  execFileSync('rm', [path.join(work, 'hang')]);
  await until('the next one runs', () => controller.last?.running === next);
  t.notOk(controller.last?.problem);
});

t.test('a full disk is told; what runs goes on, and a start uses what is there', async (t) => {
  const { controller, controllerUrl, port, files } = await scene(t);
  const folder = path.join(t.testdir(), 'disk');
  await mkdir(folder);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'homeostat-test', folder]);
  t.teardown(() => execFileSync('umount', ['-l', folder]));
  const good = controller.publish(files());
  const agent = await startAgent(t, { controller: controllerUrl, folder });
  await until('it serves', () => agent.pid());
  controller.publish(files(`# ${'x'.repeat(400_000)}\n`));
  await until('it tells', () => /ENOSPC/.test(controller.last?.problem ?? ''));
  t.match(controller.last, { running: good });
  // It is tried again all the time, and while it is there is a part of it.
  await until('nothing is left of what did not fit', async () => {
    const names = await readdir(path.join(folder, 'bundles'));
    return names.join() === good;
  });
  await agent.stop();
  await writeFile(path.join(folder, 'filler'), Buffer.alloc(1 << 20)).catch(() => undefined);
  const again = await startAgent(t, { controller: controllerUrl, folder });
  await until('it serves', () => again.pid());
  t.equal((await ask(port, shop)).status, 200);
});
