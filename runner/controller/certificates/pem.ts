import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { messageOf } from '../../common/errors';
import type { Certificate } from '../../proxy/model';

/** A certificate that HAProxy will take, with what a person should know of it. */
export interface ReadCertificate extends Certificate {
  /** RFC 3339 */
  notBefore: string;
  warnings: string[];
}

const block = /-----BEGIN ([A-Z0-9 ]+)-----[A-Za-z0-9+/=\s]+-----END \1-----/g;
const longest = 64 * 1024;
const name = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/**
 * Reads certificate, chain and key from a PEM text, in whatever order they stand, and puts them into the order that TLS
 * wants: the certificate of the key first, then the chain.
 * @returns the certificate, or why it cannot be used
 */
export function readCertificate(called: string, text: string, now: Date): ReadCertificate | { problem: string } {
  if (!name.test(called))
    return { problem: 'its name may have letters, digits, dots, dashes and underscores, 100 at most' };
  if (text.length > longest) return { problem: `it is longer than ${longest / 1024} kB` };
  const blocks = [...text.matchAll(block)];
  const of = (kind: RegExp) => blocks.filter(([, label]) => kind.test(label!)).map(([whole]) => whole);
  const [key, ...keys] = of(/PRIVATE KEY$/);
  if (!key) return { problem: 'it has no private key' };
  if (keys.length > 0) return { problem: 'it has more than one private key' };
  if (/ENCRYPTED/.test(key)) return { problem: 'its private key is encrypted' };
  const chain = of(/^(?:X509 |TRUSTED )?CERTIFICATE$/);
  if (chain.length === 0) return { problem: 'it has no certificate' };
  let privateKey: KeyObject;
  let certificates: X509Certificate[];
  try {
    privateKey = createPrivateKey(key);
    certificates = chain.map((each) => new X509Certificate(each));
  } catch (error) {
    return { problem: `it cannot be read: ${messageOf(error)}` };
  }
  const leaf = certificates.find((each) => each.checkPrivateKey(privateKey));
  if (!leaf) return { problem: 'its private key belongs to none of its certificates' };
  const domains = namesOf(leaf);
  if (domains.length === 0) return { problem: 'it is for no host name' };
  const others = certificates.filter((each) => each !== leaf);
  const parts = [leaf, ...others].map((each) => each.toString().trim());
  return {
    name: called,
    pem: `${[...parts, key.trim()].join('\n')}\n`,
    domains,
    notBefore: new Date(leaf.validFrom).toISOString(),
    notAfter: new Date(leaf.validTo).toISOString(),
    warnings: warningsOf(leaf, now),
  };
}

/** Host names of the subject alternative names, or of the common name where there are none, in lower case. */
function namesOf(certificate: X509Certificate): string[] {
  const alternatives = [...(certificate.subjectAltName ?? '').matchAll(/DNS:([^\s,"]+)/g)].map(([, host]) => host!);
  const common = /(?:^|\n)CN=([^\n]+)/.exec(certificate.subject)?.[1];
  const hosts = alternatives.length > 0 ? alternatives : common ? [common] : [];
  return [...new Set(hosts.map((host) => host.toLowerCase()).filter((host) => /^(?:\*\.)?[a-z0-9._-]+$/.test(host)))];
}

function warningsOf({ validFrom, validTo }: X509Certificate, now: Date): string[] {
  if (new Date(validTo) <= now) return [`it expired at ${new Date(validTo).toISOString()}`];
  return new Date(validFrom) > now ? [`it is valid from ${new Date(validFrom).toISOString()} on`] : [];
}

/** Whether a certificate is for a host: by name, or by a wildcard for one label (RFC 6125, 6.4.3). */
export function covers({ domains }: Pick<Certificate, 'domains'>, host: string): boolean {
  const parent = host.replace(/^[^.]+/, '*');
  return domains.includes(host) || domains.includes(parent);
}
