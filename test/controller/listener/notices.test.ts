import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { announce, textOf, type Subject } from '../../../runner/controller/listener/announce';
import { placeOf, receiversOf } from '../../../runner/controller/listener/notifier';
import { nodeParameters, removalParameters, serviceParameters } from '../../../runner/controller/listener/parameters';
import type { Notice } from '../../../runner/controller/listener/queue';
import { listenerSettings } from '../../../runner/controller/listener/settings';
import { defaultLabelSettings } from '../../../runner/labels/description';
import { failureOf, holds } from '../../common/support';
import { route, service } from '../support';

const labels = defaultLabelSettings;

t.test('a service is told of with its labels, its name, its replicas and distribute', async (t) => {
  const shop = service('web_shop', { ...route('/a'), 'com.df.': 'x', other: 'y' }, { stack: 'web', replicas: 3 });
  t.same(serviceParameters(shop, labels, ''), {
    serviceName: 'web_shop',
    port: '8080',
    servicePath: '/a',
    replicas: '3',
    distribute: 'true',
  });
  t.same(removalParameters(shop, labels, ''), {
    serviceName: 'web_shop',
    port: '8080',
    servicePath: '/a',
    distribute: 'true',
  });
});

t.test('names: without the stack where the service wants that, and with the prefix of the settings', async (t) => {
  const name = (more: Record<string, string>, prefix = '') =>
    serviceParameters(service('web_shop', more, { stack: 'web' }), labels, prefix).serviceName;
  t.equal(name({ 'com.df.shortName': 'TRUE' }), 'shop');
  t.equal(name({ 'com.df.shortName': 'false' }), 'web_shop');
  t.equal(name({}, 'dev1'), 'dev1_web_shop');
});

t.test('a global service has no replicas, and distribute as it says', async (t) => {
  const { mode, ...rest } = service('shop', { 'com.df.distribute': 'false' });
  t.same(
    serviceParameters({ ...rest, mode: 'global' }, labels, ''),
    { serviceName: 'shop', distribute: 'false' },
    mode,
  );
});

t.test('a label cannot pass for the name, the replicas or the places', async (t) => {
  const shop = service('shop', { 'com.df.serviceName': 'bank', 'com.df.replicas': '99', 'com.df.nodeInfo': '[]' });
  t.match(serviceParameters(shop, labels, '', [['n1', '10.0.0.1', 'x']]), {
    serviceName: 'shop',
    replicas: '1',
    nodeInfo: '[["n1","10.0.0.1","x"]]',
  });
});

t.test('a node is told of with its own labels before those of its Engine', async (t) => {
  const node = {
    ...{
      id: 'n',
      hostname: 'h',
      address: '10.0.0.1',
      version: 7,
      state: 'ready',
      role: 'worker',
      availability: 'active',
    },
    labels: { 'com.df.zone': 'a', x: 'y' },
    engineLabels: { 'com.df.zone': 'b', 'com.df.disk': 'ssd' },
  };
  t.same(nodeParameters(node, labels), {
    ...{ id: 'n', hostname: 'h', address: '10.0.0.1', versionIndex: '7', state: 'ready', role: 'worker' },
    ...{ availability: 'active', zone: 'a', disk: 'ssd' },
  });
});

t.test('addresses on one host belong together in their order, and two listeners on one host stay two', async (t) => {
  const at = (path: string) => `http://proxy:8080${path}`;
  t.same(receiversOf({ create: [at('/c1'), 'http://monitor/c', at('/c2')], remove: [at('/r1')] }), [
    { create: at('/c1'), remove: at('/r1') },
    { create: at('/c2') },
    { create: 'http://monitor/c' },
  ]);
  t.equal(placeOf({ create: 'https://user:secret@host:81/path?token=x' }), 'https://host:81/path');
});

const subject = (name: string, port = '1'): Subject => ({ name, create: { name, port }, remove: { name } });

t.test('what is new or different is announced, what is gone is removed, and the rest is not told again', async (t) => {
  const told = new Map([
    ['same', textOf({ kind: 'create', parameters: subject('same').create })],
    ['other', textOf({ kind: 'create', parameters: subject('other', '0').create })],
  ]);
  const announced = new Map(['same', 'other', 'gone', 'waits'].map((name) => [name, { name }]));
  const notices = announce([subject('same'), subject('other'), subject('new')], told, announced, new Set(['waits']));
  t.same(
    [...notices].map(([name, { kind }]) => `${kind} ${name}`),
    ['remove gone', 'create other', 'create new'],
  );
  const again = new Map([...told, ...[...notices].map(([name, notice]) => [name, textOf(notice)] as const)]);
  t.equal(announce([subject('same'), subject('other'), subject('new')], again, announced, new Set(['waits'])).size, 0);
});

t.test('whatever happens, with restarts in between, who listens knows in the end what is there', async (t) => {
  const moment = fc.record({
    names: fc.subarray(['a', 'b', 'c', 'd']),
    port: fc.constantFrom('1', '2'),
    restart: fc.boolean(),
  });
  await holds(
    t,
    fc.property(fc.array(moment, { minLength: 1, maxLength: 12 }), (moments) => {
      const heard = new Map<string, string>();
      let told = new Map<string, string>();
      const announced = new Map<string, Record<string, string>>();
      for (const { names, port, restart } of moments) {
        if (restart) told = new Map();
        const present = names.map((name) => subject(name, port));
        for (const { name, remove } of present) announced.set(name, remove);
        for (const [name, notice] of announce(present, told, announced)) hear(name, notice);
      }
      const { names, port } = moments.at(-1)!;
      return heard.size === names.length && names.every((name) => heard.get(name) === port);

      function hear(name: string, notice: Notice) {
        told.set(name, textOf(notice));
        if (notice.kind === 'create') heard.set(name, notice.parameters.port!);
        else {
          heard.delete(name);
          told.delete(name);
          announced.delete(name);
        }
      }
    }),
  );
});

t.test('settings come from the variables of docker-flow-swarm-listener and from secrets', async (t) => {
  const folder = t.testdir({
    df_notify_create_service_url: 'http://user:pass@secret/c\n',
    df_notify_remove_node_url: '',
  });
  const env = {
    DF_NOTIFY_CREATE_SERVICE_URL: 'http://a/c, http://b/c',
    DF_NOTIFY_REMOVE_SERVICE_URL: 'http://a/r',
    DF_NOTIFY_REMOVE_SERVICE_METHOD: 'post',
    DF_RETRY: '3',
    DF_RETRY_INTERVAL: '1',
    DF_INCLUDE_NODE_IP_INFO: 'true',
    DF_SERVICE_NAME_PREFIX: 'dev1',
  };
  t.match(await listenerSettings(folder, { env }), {
    services: {
      create: ['http://a/c', 'http://b/c', 'http://user:pass@secret/c'],
      remove: ['http://a/r'],
      createMethod: 'GET',
      removeMethod: 'POST',
    },
    nodes: { create: [], remove: [] },
    ...{ retries: 3, interval: 1000, nodeInfo: true, taskAddresses: true, namePrefix: 'dev1' },
  });
  t.match(await listenerSettings('/nowhere', { env: {} }), { retries: 50, interval: 5000, services: { create: [] } });
});

t.test('settings that are wrong are all named at once, without what may be secret in them', async (t) => {
  const env = {
    DF_NOTIFY_CREATE_SERVICE_URL: 'http://a/c,ftp://user:geheim@b/c',
    DF_NOTIFY_CREATE_SERVICE_METHOD: 'FETCH',
    DF_RETRY: '-1',
    DF_INCLUDE_NODE_IP_INFO: 'perhaps',
  };
  const error = await failureOf(() => listenerSettings('/nowhere', { env }));
  t.equal(error.code, 'USAGE_INVALID');
  t.equal(error.evidence.length, 4);
  t.match(error.evidence.join('\n'), /CREATE_SERVICE_URL: address 2/);
  t.notMatch(error.evidence.join('\n'), /geheim/);
});

t.test('a folder in the place of a secret is no secret', async (t) => {
  const folder = t.testdir({});
  mkdirSync(path.join(folder, 'df_notify_create_service_url'));
  writeFileSync(path.join(folder, 'df_notify_create_node_url'), 'http://n/c');
  t.match(await listenerSettings(folder, { env: {} }), { services: { create: [] }, nodes: { create: ['http://n/c'] } });
});
