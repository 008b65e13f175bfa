import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import {
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  type X509Certificate,
} from '@peculiar/x509';

type CryptoLike = Parameters<typeof X509CertificateGenerator.createSelfSigned>[1] & typeof webcrypto;
const crypto = webcrypto as CryptoLike;
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

export interface MadeCertificate {
  certificate: string;
  key: string;
}

/** A certificate that signs itself, for these names. */
export async function makeCertificate(
  names: string[],
  { from = new Date('2026-01-01'), to = new Date('2036-01-01'), common = 'test' } = {},
): Promise<MadeCertificate> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const alternatives = names.map((value) => ({
    type: /^[\d.]+$/.test(value) ? ('ip' as const) : ('dns' as const),
    value,
  }));
  const certificate: X509Certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: '01',
      name: `CN=${common}`,
      notBefore: from,
      notAfter: to,
      signingAlgorithm: algorithm,
      keys,
      extensions: names.length > 0 ? [new SubjectAlternativeNameExtension(alternatives)] : [],
    },
    crypto,
  );
  const key = PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
  return { certificate: certificate.toString('pem'), key };
}
