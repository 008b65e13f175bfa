import { compare } from './admit';
import { domainsOf, pemOf } from './certificate-label';
import type { Certificate, ProxiedService, ProxyInput, Refusal } from './model';
import { isPlainName } from './text';

export interface CertificateFiles {
  files: Record<string, string>;
  /** Without one nothing listens for TLS. */
  any: boolean;
}

const list = 'certs.crt-list';

/**
 * Certificates as HAProxy loads them: the preferred one first, which is for clients that ask for no name that is known,
 * then the others in the order of their names. Of two for the same names the one that lasts longer is taken.
 */
export function certificateFiles(
  { certificates, settings }: ProxyInput,
  services: ProxiedService[],
  refuse: (refusal: Refusal) => void,
): CertificateFiles {
  const own = services.flatMap(({ description: { name, proxy } }): Certificate[] => {
    if (proxy.serviceCertificate === undefined) return [];
    const pem = pemOf(proxy.serviceCertificate);
    return [{ name: `service-${name}`, pem, domains: domainsOf(pem), notAfter: '' }];
  });
  const usable = certificates.filter(({ name, pem }) => {
    const complete = /-----BEGIN CERTIFICATE-----/.test(pem) && /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem);
    if (isPlainName(name) && complete) return true;
    refuse({
      service: '',
      severity: 'error',
      message: complete
        ? `certificate '${name.slice(0, 80)}' has a name that cannot be a file's`
        : `certificate '${name.slice(0, 80)}' lacks the certificate or its key`,
    });
    return false;
  });
  const preferred = (certificate: Certificate) => (certificate.name === settings.preferredCertificate ? 0 : 1);
  const sorted = withoutShorterLived([...usable, ...own]).sort(
    (a, b) => preferred(a) - preferred(b) || compare(a.name, b.name),
  );
  if (sorted.length === 0) return { files: {}, any: false };
  const files = Object.fromEntries(sorted.map(({ name, pem }) => [`certs/${name}.pem`, pem]));
  files[list] = `${sorted.map(({ name }) => `certs/${name}.pem`).join('\n')}\n`;
  return { files, any: true };
}

function withoutShorterLived(certificates: Certificate[]): Certificate[] {
  const best = new Map<string, Certificate>();
  for (const certificate of [...certificates].sort((a, b) => compare(a.name, b.name))) {
    const key = certificate.domains.length > 0 ? [...certificate.domains].sort().join(' ') : `=${certificate.name}`;
    const known = best.get(key);
    if (!known || known.notAfter < certificate.notAfter) best.set(key, certificate);
  }
  return [...best.values()];
}
