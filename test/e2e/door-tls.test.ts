import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import type { DoorCertificate } from '../../runner/system/door-status';
import { makeCertificate } from '../controller/certificates/support';
import { acmeServer } from './acme';
import { answers, ask, healthFlags, withDoor } from './door';
import { until } from './support';

/** Sends a file to the controller from a node, over TLS that trusts its certificate only. */
const putScript = `
const [url, method, token, ca, file] = process.argv.slice(1);
const fs = require('node:fs');
const request = require('node:https').request(url, { method, ca: fs.readFileSync(ca), headers: { authorization: 'Bearer ' + token } }, (answer) => {
  let text = '';
  answer.on('data', (part) => (text += part)).on('end', () => console.log(JSON.stringify({ status: answer.statusCode, text })));
});
request.on('error', (error) => console.log(JSON.stringify({ status: 0, text: error.message })));
request.end(file ? fs.readFileSync(file) : undefined);
`;

t.test('HTTPS at the door', async (t) => {
  const door = await withDoor(t);
  const { lab, secrets, settings } = door;
  const address = lab.address(1);
  const folder = mkdtempSync(path.join(tmpdir(), 'homeostat-tls-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const asked = async (method: string, name: string, token: string, text?: string) => {
    const file = path.join(folder, 'upload.pem');
    if (text !== undefined) writeFileSync(file, text);
    const ca = path.join(settings.folder, 'controller/certificate.pem');
    const url = `https://127.0.0.1:7080/v1/certificates/${name}`;
    const words = [url, method, token, ca, ...(text === undefined ? [] : [file])];
    return JSON.parse(await lab.exec(1, process.execPath, '-e', putScript, ...words)) as {
      status: number;
      text: string;
    };
  };
  /** The common name of the certificate that the door shows for a host, after it was verified; or why not. */
  const shown = (host: string, ca: string) =>
    new Promise<string>((resolve) => {
      const request = httpsRequest(
        { host: address, port: 443, servername: host, ca, agent: false, headers: { host } },
        (answer) => {
          const { subject } = (answer.socket as import('node:tls').TLSSocket).getPeerCertificate();
          answer.resume();
          resolve(`${answer.statusCode} ${String(subject.CN)}`);
        },
      );
      request.on('error', (error) => resolve(error.message)).end();
    });
  const certificates = () => door.controller<DoorCertificate[]>('/v1/certificates');

  await door.serve(
    'shop',
    {
      'com.df.notify': 'true',
      'com.df.port': '8080',
      'com.df.serviceDomain': 'shop.example.com,own.example.com',
      'com.df.httpsOnly': 'true',
    },
    healthFlags(),
  );
  const shop = await makeCertificate(['shop.example.com'], { common: 'shop' });
  const own = await makeCertificate(['own.example.com'], { common: 'own' });

  await t.test('an uploaded certificate is served at once; who may not upload learns nothing', async (t) => {
    t.match(await asked('PUT', 'shop', 'wrong', shop.certificate + shop.key), { status: 401, text: '{}' });
    t.match(await asked('PUT', 'shop', secrets.agentToken, shop.certificate + shop.key), { status: 403 });
    t.match(await asked('PUT', 'shop', secrets.readerToken, shop.certificate + shop.key), { status: 403 });
    t.match(await asked('PUT', 'shop', secrets.writerToken, shop.certificate), { status: 400, text: /no private key/ });
    t.equal((await asked('PUT', 'shop', secrets.writerToken, shop.certificate + shop.key)).status, 204);
    t.ok(await until(async () => (await shown('shop.example.com', shop.certificate)) === '200 shop', 20));
    t.match(await certificates(), [{ name: 'shop', source: 'upload', domains: ['shop.example.com'] }]);
  });

  await t.test('plain HTTP is redirected', async (t) => {
    const { status, headers } = await ask({ address, host: 'shop.example.com', path: '/a?b=c' });
    t.match([String(status), headers.location], [/^30[12378]$/, 'https://shop.example.com/a?b=c']);
  });

  await t.test('a secret cert-* is found, and chosen by name; a bad one is told and harms nobody', async (t) => {
    for (const [name, text] of [
      ['cert-own', own.key + own.certificate],
      ['cert-bad', own.certificate + shop.key],
    ] as const) {
      writeFileSync(path.join(folder, name), text);
      await lab.docker(1, 'secret', 'create', name, path.join(folder, name));
    }
    t.ok(await until(async () => (await shown('own.example.com', own.certificate)) === '200 own', 60), 'the one');
    t.equal(await shown('shop.example.com', shop.certificate), '200 shop', 'and the other');
    const told = await certificates();
    t.match(
      told.find(({ name }) => name === 'cert-bad'),
      { source: 'secret', problem: /belongs to none of its certificates/ },
    );
    t.notMatch(JSON.stringify(told), /PRIVATE/);
  });

  await t.test('a certificate is ordered through the door itself', async (t) => {
    const { env } = await acmeServer(t, 80, { challenged: address, own: lab.gateway });
    await lab.docker(1, 'config', 'create', 'acme-authority', env.HOMEOSTAT_ACME_CA!);
    const settings = [
      ...['--env-add', `HOMEOSTAT_ACME_DIRECTORY=${env.HOMEOSTAT_ACME_DIRECTORY}`],
      ...['--env-add', 'HOMEOSTAT_ACME_CA=/acme.pem', '--config-add', 'source=acme-authority,target=/acme.pem'],
    ];
    await lab.docker(1, 'service', 'update', '--no-resolve-image', ...settings, 'homeostat-controller_controller');
    const ordered = { 'com.df.serviceDomain': 'new.example.com', 'com.df.letsencrypt.host': 'new.example.com' };
    await door.serve('new', { 'com.df.notify': 'true', 'com.df.port': '8080', ...ordered }, healthFlags());
    const found = async () =>
      (await certificates().catch(() => [])).find(({ source, domains }) => source === 'acme' && domains.length > 0);
    t.ok(await until(async () => (await found()) !== undefined, 90), JSON.stringify(await certificates()));
    t.match(await found(), { domains: ['new.example.com'], renewal: /^20/ });
    t.ok(await until(async () => /^unable to|issuer/.test(await shown('new.example.com', own.certificate)), 10));
  });

  await t.test('what is forgotten is gone', async (t) => {
    t.equal((await asked('DELETE', 'shop', secrets.writerToken)).status, 204);
    t.equal((await asked('DELETE', 'shop', secrets.writerToken)).status, 404);
    t.ok(await until(async () => /self.signed|altname/i.test(await shown('shop.example.com', shop.certificate)), 20));
    t.ok(await answers({ address, host: 'own.example.com' }, 302, 10), 'the others go on');
  });
});
