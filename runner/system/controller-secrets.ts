import { randomBytes, webcrypto } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from '../common/context';

/** What the controller and those who ask it share; made once and kept on this machine. */
export interface ControllerSecrets {
  agentToken: string;
  readerToken: string;
  /** For who may also change what the controller keeps. */
  writerToken: string;
  /** PEM of a certificate that signs itself: who asks the controller trusts this one and no other. */
  certificate: string;
  key: string;
  /** With it the controller encrypts what it keeps in the Swarm. */
  storeKey: string;
}

/** Names under which the controller is asked: on its network, and through the proxy on each node. */
const names = ['homeostat-controller', 'localhost'];
const validity = 20 * 365 * 86_400_000;

const files = {
  agentToken: 'agent-token',
  readerToken: 'reader-token',
  writerToken: 'writer-token',
  certificate: 'certificate.pem',
  key: 'key.pem',
  storeKey: 'store-key',
} as const;

/** The controller's secrets in that folder, generated when they are not there; they are made known to the masker. */
export async function controllerSecrets(folder: string, context: Context): Promise<ControllerSecrets> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const secrets = (await readSecrets(folder)) ?? (await makeSecrets(folder, context));
  for (const text of [secrets.agentToken, secrets.readerToken, secrets.writerToken, secrets.key, secrets.storeKey])
    context.masker.add(text);
  return secrets;
}

/** The secrets that an earlier `up` made; undefined where one is missing. */
export async function readSecrets(folder: string): Promise<ControllerSecrets | undefined> {
  const entries = Object.entries(files).map(async ([name, file]) => {
    const text = await readFile(path.join(folder, file), 'utf8').catch(() => '');
    return [name, text.trim()] as const;
  });
  const secrets = Object.fromEntries(await Promise.all(entries)) as unknown as ControllerSecrets;
  return Object.values(secrets).every(Boolean) ? secrets : undefined;
}

async function makeSecrets(folder: string, context: Context): Promise<ControllerSecrets> {
  const token = () => randomBytes(32).toString('base64url');
  const secrets = {
    agentToken: token(),
    readerToken: token(),
    writerToken: token(),
    storeKey: token(),
    ...(await selfSigned(context.clock.now())),
  };
  for (const [name, file] of Object.entries(files))
    await writeFile(path.join(folder, file), `${secrets[name as keyof ControllerSecrets].trim()}\n`, { mode: 0o600 });
  return secrets;
}

async function selfSigned(now: Date): Promise<{ certificate: string; key: string }> {
  await import('reflect-metadata');
  const { PemConverter, SubjectAlternativeNameExtension, X509CertificateGenerator } = await import('@peculiar/x509');
  const crypto = webcrypto as Parameters<typeof X509CertificateGenerator.createSelfSigned>[1] & typeof webcrypto;
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const alternatives = [
    ...names.map((value) => ({ type: 'dns' as const, value })),
    { type: 'ip' as const, value: '127.0.0.1' },
  ];
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: randomBytes(8).toString('hex'),
      name: `CN=${names[0]}`,
      notBefore: new Date(now.getTime() - 86_400_000),
      notAfter: new Date(now.getTime() + validity),
      signingAlgorithm: algorithm,
      keys,
      extensions: [new SubjectAlternativeNameExtension(alternatives)],
    },
    crypto,
  );
  const key = PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
  return { certificate: certificate.toString('pem'), key };
}
