import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../../runner/common/clock';
import type { Context } from '../../runner/common/context';
import { CertificateKeeper } from '../../runner/controller/certificates/keeper';
import { Vault } from '../../runner/controller/certificates/vault';
import { describeService } from '../../runner/labels/describe';
import type { ServiceDescription } from '../../runner/labels/description';
import { listRecords, removeRecord } from '../../runner/swarm/store';
import { testContext } from '../common/support';
import { makeCertificate } from '../controller/certificates/support';
import { sharedLab, uniqueName } from '../lab';
import { acmeServer, folderOf, freePorts } from './acme';

const services = (...hosts: string[]): ServiceDescription[] =>
  hosts.map((host) => {
    const { description, problems } = describeService({
      name: host.replaceAll('.', '-'),
      labels: {
        'com.df.notify': 'true',
        'com.df.port': '80',
        'com.df.serviceDomain': host,
        'com.df.letsencrypt.host': host,
        'com.df.letsencrypt.email': 'ops@example.com',
      },
    });
    if (!description) throw new Error(JSON.stringify(problems));
    return description;
  });

/** A keeper with a vault of its own in the shared Swarm. */
async function keeper(t: Test, env: Record<string, string> = {}, secret = uniqueName('secret')) {
  const lab = await sharedLab(t);
  const folder = folderOf(t);
  const context: Context & { told: () => string } = { ...testContext({ env }), clock: systemClock };
  const engine = lab.engine();
  t.teardown(async () => {
    for (const record of await listRecords(engine, { kind: 'sealed' }, context))
      await removeRecord(engine, record.id, context);
  });
  const settings = { secrets: path.join(folder, 'secrets'), folder };
  const make = (own = secret) => new CertificateKeeper(engine, new Vault(own, engine, context), settings, context);
  return { folder, context, engine, make };
}

t.test('certificates are issued and renewed by ACME, and are there after a restart', async (t) => {
  const [port] = await freePorts(1);
  const { env } = await acmeServer(t, port!);
  const { make, context, engine } = await keeper(t, env);
  const first = make();
  const door = createServer((request, response) => {
    const [, token] = /^\/\.well-known\/acme-challenge\/(.+)$/.exec(request.url!) ?? [];
    const answer = token && first.challenges.get(token);
    response.writeHead(answer ? 200 : 404).end(answer ?? '');
  });
  await new Promise<void>((resolve) => door.listen(port, '127.0.0.1', resolve));
  t.teardown(() => new Promise<void>((resolve) => door.close(() => resolve())));

  const wanted = services('shop.example.com', 'api.example.com');
  await first.refresh();
  t.equal(await first.renew(wanted), true, context.told());
  t.same(
    first
      .certificates(wanted)
      .map(({ domains }) => domains)
      .sort(),
    [['api.example.com'], ['shop.example.com']],
  );
  t.match(first.certificates(wanted)[0]!.pem, /BEGIN CERTIFICATE[^]*BEGIN CERTIFICATE[^]*PRIVATE KEY/);
  t.equal(await first.renew(wanted), false, 'nothing is due then');
  t.equal(first.challenges.size, 0, 'no challenge is left open');

  const second = make();
  await second.refresh();
  t.same(second.certificates(wanted), first.certificates(wanted), 'a restart loses nothing');
  t.equal(await second.renew(wanted), false, 'and orders nothing');
  const records = await listRecords(engine, { kind: 'sealed' }, context);
  t.notMatch(JSON.stringify(records.map(({ data }) => data)), /PRIVATE/, 'no key can be read in the store');
  t.notMatch(context.told(), /PRIVATE KEY/);

  const stranger = make('another secret');
  await stranger.refresh();
  t.same(stranger.certificates(wanted), [], 'who does not have the secret has no certificate');
  t.match(context.told(), /sealed with another key/);
});

t.test('a host that does not lead here is told, tried again later, and keeps nobody else waiting', async (t) => {
  const [port] = await freePorts(1);
  const { env } = await acmeServer(t, port!);
  const { make, context } = await keeper(t, env);
  const own = make();
  const wanted = services('nowhere.example.com');
  t.equal(await own.renew(wanted), false);
  t.match(own.states(wanted), [{ source: 'acme', problem: /nowhere\.example\.com: [^]*tried again at 20/ }]);
  const told = context.told().length;
  t.equal(await own.renew(wanted), false);
  t.equal(context.told().length, told, 'it is not tried again at once');
  t.same(own.states([]).length, 1);
  await own.renew([]);
  t.same(own.states([]), [], 'what nobody asks for any more is forgotten');
});

t.test('an ACME server that is away', async (t) => {
  const { make } = await keeper(t, { HOMEOSTAT_ACME_DIRECTORY: 'https://127.0.0.1:1/dir' });
  const own = make();
  const wanted = services('shop.example.com');
  t.equal(await own.renew(wanted), false);
  t.match(own.states(wanted), [{ problem: /ECONNREFUSED/ }]);
});

t.test('uploads, files and labels', async (t) => {
  const { make, folder } = await keeper(t);
  const own = make();
  const upload = await makeCertificate(['up.example.com']);
  const file = await makeCertificate(['file.example.com']);
  const label = await makeCertificate(['label.example.com']);
  writeFileSync(path.join(folder, 'file.pem'), file.certificate + file.key);
  writeFileSync(path.join(folder, 'broken.pem'), file.certificate);
  t.equal(await own.upload('up', upload.certificate + upload.key), undefined);
  t.match(await own.upload('bad', upload.certificate), /no private key/);
  t.match(await own.upload('../../etc', upload.certificate + upload.key), /its name may have/);
  const [service] = services('label.example.com');
  const labelled = [{ ...service!, proxy: { ...service!.proxy, serviceCertificate: label.certificate + label.key } }];
  t.same(
    own.certificates(labelled).map(({ name }) => name),
    ['file', 'up', 'label-example-com'],
  );
  t.match(own.states([]), [
    { name: 'broken', source: 'folder', problem: /no private key/ },
    { name: 'file', source: 'folder', domains: ['file.example.com'] },
    { name: 'up', source: 'upload' },
  ]);
  t.notMatch(JSON.stringify(own.states(labelled)), /PRIVATE/);
  t.equal(await own.remove('up'), true);
  t.equal(await own.remove('up'), false);
  t.same(
    own.certificates([]).map(({ name }) => name),
    ['file'],
  );
  t.ok(readFileSync(path.join(folder, 'file.pem')).length > 0);
});
