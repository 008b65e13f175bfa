import { createPrivateKey, X509Certificate } from 'node:crypto';

/** The PEM of a label with its line breaks, which a stack file writes as `\n` or leaves to blanks. */
export function pemOf(label: string): string {
  const text = label.replaceAll('\\n', '\n').replaceAll('\r', '');
  const blocks = text.match(/-----BEGIN ([A-Z0-9 ]{1,40})-----[A-Za-z0-9+/=\s]+-----END \1-----/g) ?? [];
  return blocks
    .map((block) => {
      const [, head, body, foot] = /^(-----BEGIN [A-Z0-9 ]+-----)([^-]*)(-----END [A-Z0-9 ]+-----)$/.exec(block)!;
      return `${head}\n${(body!.replace(/\s+/g, '').match(/.{1,64}/g) ?? []).join('\n')}\n${foot}\n`;
    })
    .join('');
}

/** Why a certificate from a label cannot be used, which HAProxy would refuse the whole configuration for. */
export function problemOfCertificate(label: string): string | undefined {
  const pem = pemOf(label);
  try {
    const certificate = new X509Certificate(pem);
    return certificate.checkPrivateKey(createPrivateKey(pem))
      ? undefined
      : 'serviceCert has a key that is not the certificate’s';
  } catch {
    return 'serviceCert is no PEM with certificate and key';
  }
}

/** Names that a certificate is for, in lower case. */
export function domainsOf(pem: string): string[] {
  const { subjectAltName = '' } = new X509Certificate(pem);
  return [...subjectAltName.matchAll(/DNS:([^\s,]+)/g)].map(([, name]) => name!.toLowerCase()).sort();
}
