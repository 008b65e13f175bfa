import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Certificate } from '../../runner/proxy/model';
import { folder } from './support';

type T = Parameters<typeof folder>[0];

export interface Authority {
  certificate: string;
  key: string;
}

const openssl = (line: string) => execFileSync('openssl', line.split(' '), { stdio: 'ignore' });
const newKey = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';

/** A certificate authority of the test's own. */
export function authority(t: T, name = 'authority'): Authority {
  const where = folder(t);
  const [certificate, key] = [path.join(where, 'ca.pem'), path.join(where, 'ca.key')];
  openssl(`req -x509 ${newKey} -days 2 -subj /CN=${name} -keyout ${key} -out ${certificate}`);
  return { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') };
}

/** A certificate of the authority with its key, as one PEM. */
export function certificateFor(t: T, ca: Authority, name: string): string {
  const where = folder(t);
  const file = (ending: string) => path.join(where, ending);
  writeFileSync(file('ca.pem'), ca.certificate);
  writeFileSync(file('ca.key'), ca.key);
  writeFileSync(file('names'), `subjectAltName=DNS:${name}\n`);
  openssl(`req ${newKey} -new -subj /CN=${name} -keyout ${file('key')} -out ${file('request')}`);
  openssl(
    `x509 -req -in ${file('request')} -CA ${file('ca.pem')} -CAkey ${file('ca.key')} -CAcreateserial -days 2 -extfile ${file('names')} -out ${file('pem')}`,
  );
  return readFileSync(file('pem'), 'utf8') + readFileSync(file('key'), 'utf8');
}

export const certificate = (t: T, ca: Authority, name: string): Certificate => ({
  name,
  pem: certificateFor(t, ca, name),
  domains: [name],
  notAfter: '2030-01-01T00:00:00Z',
});
