import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { makeCertificate } from '../controller/certificates/support';
import { until } from './support';

const execute = promisify(execFile);
const cache = path.join(__dirname, '../../.cache/lab');
const version = 'v2.10.1';

/** A folder that is gone with the test. */
export const folderOf = (t: Test) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'homeostat-certificates-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

/** Let's Encrypt's own small ACME server, built from its Go module once. */
async function program(name: 'pebble' | 'pebble-challtestsrv'): Promise<string> {
  const folder = path.join(cache, `pebble-${version}`);
  if (!existsSync(path.join(folder, name)))
    await execute('go', ['install', `github.com/letsencrypt/pebble/v2/cmd/${name}@${version}`], {
      env: { ...process.env, GOBIN: folder },
    });
  return path.join(folder, name);
}

/** Starts a program, and ends it with the test. */
function start(t: Test, file: string, args: string[], env: NodeJS.ProcessEnv = {}): () => string {
  let output = '';
  const child = spawn(file, args, { env: { ...process.env, ...env } });
  child.stdout.on('data', (text) => (output += text));
  child.stderr.on('data', (text) => (output += text));
  t.teardown(() => child.kill('SIGKILL'));
  return () => output;
}

export interface AcmeServer {
  env: Record<string, string>;
  /** Port on which challenges are asked for. */
  challengePort: number;
}

/**
 * Starts an ACME server that asks for challenges at that port of an address, whatever the host name.
 * @param own address at which the server itself is reached
 */
export async function acmeServer(
  t: Test,
  challengePort: number,
  { challenged = '127.0.0.1', own: address = '127.0.0.1' } = {},
): Promise<AcmeServer> {
  const folder = folderOf(t);
  const [listen, management, dns, control] = await freePorts(4);
  const own = await makeCertificate(['localhost', address]);
  writeFileSync(path.join(folder, 'certificate.pem'), own.certificate);
  writeFileSync(path.join(folder, 'key.pem'), own.key);
  const pebble = {
    listenAddress: `${address}:${listen}`,
    managementListenAddress: `127.0.0.1:${management}`,
    certificate: path.join(folder, 'certificate.pem'),
    privateKey: path.join(folder, 'key.pem'),
    httpPort: challengePort,
    tlsPort: 1,
  };
  writeFileSync(path.join(folder, 'pebble.json'), JSON.stringify({ pebble }));
  const names = ['-http01', '', '-https01', '', '-tlsalpn01', '', '-doh', ''];
  const answers = ['-defaultIPv4', challenged, '-defaultIPv6', ''];
  start(t, await program('pebble-challtestsrv'), [
    ...names,
    ...answers,
    '-dnsserver',
    `127.0.0.1:${dns}`,
    '-management',
    `127.0.0.1:${control}`,
  ]);
  const output = start(
    t,
    await program('pebble'),
    ['-config', path.join(folder, 'pebble.json'), '-dnsserver', `127.0.0.1:${dns}`],
    { PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '20' },
  );
  t.ok(await until(() => /Listening on/.test(output())), 'the ACME server listens');
  const directory = `https://${address}:${listen}/dir`;
  return {
    env: { HOMEOSTAT_ACME_DIRECTORY: directory, HOMEOSTAT_ACME_CA: path.join(folder, 'certificate.pem') },
    challengePort,
  };
}

/** Ports that nobody listens on at this moment. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
