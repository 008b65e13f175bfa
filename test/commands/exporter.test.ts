import t from 'tap';
import command from '../../runner/commands/exporter';
import { realContext } from '../lab/context';

const values = { port: 0, host: '127.0.0.1', interval: '30s', cgroup: '/nonexistent', proc: '/nonexistent' };
const away = { DOCKER_HOST: 'unix:///nonexistent/docker.sock' };

t.test('wrong options are refused', async (t) => {
  for (const [more, message] of [
    [{ port: 70_000 }, /--port is 70000/],
    [{ port: NaN }, /--port is NaN/],
    [{ interval: 'often' }, /--interval is 'often'/],
    [{ interval: '10ms' }, /--interval is 10 ms/],
  ] as const)
    await t.rejects(command.run(realContext({ env: away }), { ...values, ...more }), {
      code: 'USAGE_INVALID',
      message,
    });
});

t.test('serves until it is stopped, with or without an Engine', async (t) => {
  const stop = new AbortController();
  const context = realContext({ env: away, signal: stop.signal });
  const ended = command.run(context, values);
  let port: string | undefined;
  while (!port) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    port = /listens on 127\.0\.0\.1:(\d+)/.exec(context.written())?.[1];
  }
  t.match(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text(), /^homeostat_exporter_up 0$/m);
  await t.rejects(command.run(realContext({ env: away }), { ...values, port: Number(port) }), {
    code: 'EXPORTER_LISTEN',
  });
  stop.abort(new Error('stopped'));
  t.same((await ended).result, { stopped: true });
  await t.rejects(fetch(`http://127.0.0.1:${port}/metrics`), 'it listens no more');
  t.match(context.written(), /the Docker Engine cannot be asked/);
});
