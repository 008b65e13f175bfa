import type { Context } from '../../common/context';
import type { Engine } from '../../common/engine';
import { HomeostatError, messageOf } from '../../common/errors';
import type { ServiceDescription } from '../../labels/description';
import type { Certificate } from '../../proxy/model';
import { takeLease } from '../../swarm/lease';
import { accountKey, order, type Challenges } from './acme';
import { readFolder, type PemFile } from './folder';
import { readCertificate, type ReadCertificate } from './pem';
import { dueNow, nameOf, pauseAfter, renewAt, type Attempts, type Wanted } from './renewal';
import type { Vault } from './vault';

export type CertificateSource = 'secret' | 'folder' | 'upload' | 'label' | 'acme';

/** A certificate as the status tells it; never with its key. */
export interface CertificateState {
  name: string;
  source: CertificateSource;
  domains: string[];
  notAfter?: string;
  problem?: string;
  warnings: string[];
  /** When it will be renewed; only for those that are ordered here. */
  renewal?: string;
}

export interface KeeperSettings {
  /** Folder of the Swarm's secrets in the container. */
  secrets: string;
  /** Folder of certificates in files. */
  folder: string;
}

interface Known {
  source: CertificateSource;
  name: string;
  read: ReadCertificate | { problem: string };
}

/** Secrets that are certificates, as docker-flow-proxy names them. */
export const certificateSecret = /^cert[-_]/;
const folderFile = /^[A-Za-z0-9][A-Za-z0-9._-]*\.pem$/;

/** Knows all certificates: of secrets, a folder, uploads, labels, and those that it orders by ACME and renews. */
export class CertificateKeeper {
  /** Answers to open ACME challenges by token. */
  readonly challenges: Challenges = new Map();
  private files: Known[] = [];
  private kept: Known[] = [];
  private attempts = new Map<string, Attempts & { problem: string }>();
  private ordering = false;

  /** @param vault undefined leaves uploads and orders out: there is no place to keep them */
  constructor(
    private readonly engine: Engine,
    private readonly vault: Vault | undefined,
    private readonly settings: KeeperSettings,
    private readonly context: Context,
  ) {}

  /** Reads secrets, folder and store again. */
  async refresh(): Promise<void> {
    const now = this.context.clock.now();
    const known = (source: CertificateSource) => (file: PemFile) => this.know(source, file, now);
    const secrets = await readFolder(this.settings.secrets, certificateSecret);
    const files = await readFolder(this.settings.folder, folderFile);
    this.files = [...secrets.map(known('secret')), ...files.map(known('folder'))];
    if (!this.vault) return;
    const uploads = await this.vault.list('certificate');
    const ordered = await this.vault.list('acme');
    this.kept = [...uploads.map(known('upload')), ...ordered.map(known('acme'))];
  }

  /** The certificates to serve; where two are for the same names, the first by source and name comes first. */
  certificates(services: ServiceDescription[]): Certificate[] {
    const taken = new Map<string, Certificate>();
    for (const { read } of this.all(services))
      if (!('problem' in read) && !taken.has(read.name))
        taken.set(read.name, {
          name: read.name,
          pem: read.pem,
          domains: read.domains,
          notAfter: read.notAfter,
        });
    return [...taken.values()];
  }

  states(services: ServiceDescription[]): CertificateState[] {
    const known = this.all(services).map(({ source, name, read }): CertificateState => {
      if ('problem' in read) return { name, source, domains: [], problem: read.problem, warnings: [] };
      const { domains, notAfter, warnings } = read;
      const renewal = source === 'acme' ? { renewal: new Date(renewAt(read)).toISOString() } : {};
      return { name, source, domains, notAfter, warnings, ...renewal };
    });
    const waiting = [...this.attempts].map(([name, { problem, failures, last }]): CertificateState => {
      const next = new Date(last + pauseAfter(failures)).toISOString();
      return { name, source: 'acme', domains: [], problem: `${problem}; tried again at ${next}`, warnings: [] };
    });
    return [...known, ...waiting];
  }

  /** Takes a certificate from a person. @returns why not, where it cannot be taken */
  async upload(name: string, text: string): Promise<string | undefined> {
    if (!this.vault) return 'the controller has no key to keep certificates with (--store-key-file)';
    const read = readCertificate(name, text, this.context.clock.now());
    if ('problem' in read) return read.problem;
    await this.vault.put('certificate', name, read.pem);
    await this.refresh();
    return undefined;
  }

  /** Forgets an uploaded certificate; false when there is none of that name. */
  async remove(name: string): Promise<boolean> {
    const there = (await this.vault?.remove('certificate', name)) ?? false;
    await this.refresh();
    return there;
  }

  /**
   * Orders what is due, one after the other, under a lease, so that two controllers never order the same; true when a
   * new certificate is there. Failures are kept for the status and tried again later.
   */
  async renew(services: ServiceDescription[]): Promise<boolean> {
    const wanted = wishes(services);
    const names = new Set(wanted.map(nameOf));
    for (const name of this.attempts.keys()) if (!names.has(name)) this.attempts.delete(name);
    const due = this.due(wanted);
    if (due.length === 0 || this.ordering || !this.vault) return false;
    this.ordering = true;
    try {
      const lease = await takeLease(this.engine, 'certificates', 'certificate order', this.context);
      try {
        await this.refresh();
        return await this.orderAll(this.due(wanted), this.vault, { ...this.context, signal: lease.signal });
      } finally {
        await lease.release();
      }
    } catch (error) {
      if (!(error instanceof HomeostatError && error.code === 'LEASE_HELD')) throw error;
      return false;
    } finally {
      this.ordering = false;
    }
  }

  private due(wanted: Wanted[]): Wanted[] {
    const have = this.kept.flatMap(({ source, name, read }) =>
      source === 'acme' && !('problem' in read) ? [[name, read] as const] : [],
    );
    return dueNow(wanted, new Map(have), this.attempts, this.context.clock.now().getTime());
  }

  private async orderAll(due: Wanted[], vault: Vault, context: Context): Promise<boolean> {
    let some = false;
    for (const each of due) {
      const name = nameOf(each);
      try {
        const pem = await order(each, await this.account(vault, each.testing), this.challenges, context);
        const read = readCertificate(name, pem, context.clock.now());
        if ('problem' in read) throw new Error(`what came is no certificate: ${read.problem}`);
        await vault.put('acme', name, read.pem);
        this.attempts.delete(name);
        context.log.info(`a certificate for ${each.hosts.join(', ')} was issued, valid until ${read.notAfter}`);
        some = true;
      } catch (error) {
        if (context.signal.aborted) throw context.signal.reason;
        const failures = (this.attempts.get(name)?.failures ?? 0) + 1;
        const reason = messageOf(error) || String((error as { code?: unknown }).code);
        const problem = `${each.hosts.join(', ')}: ${reason.slice(0, 500)}`;
        this.attempts.set(name, { failures, last: context.clock.now().getTime(), problem });
        context.log.warn(`no certificate for ${problem}`);
      }
    }
    if (some) await this.refresh();
    return some;
  }

  /** The account's key, made at the first order. */
  private async account(vault: Vault, testing: boolean): Promise<string> {
    const name = testing ? 'testing' : 'production';
    const [kept] = (await vault.list('acme-account')).filter((each) => each.name === name);
    if (kept) return kept.text;
    const key = await accountKey();
    await vault.put('acme-account', name, key);
    return key;
  }

  private all(services: ServiceDescription[]): Known[] {
    const now = this.context.clock.now();
    const labels = services.flatMap(({ name, proxy }) =>
      proxy.serviceCertificate ? [this.know('label', { name, text: proxy.serviceCertificate }, now)] : [],
    );
    return [...this.files, ...this.kept.filter(({ source }) => source === 'upload'), ...labels, ...this.ordered()];
  }

  private ordered(): Known[] {
    return this.kept.filter(({ source }) => source === 'acme');
  }

  private know(source: CertificateSource, { name, text }: PemFile, now: Date): Known {
    return { source, name, read: readCertificate(name, text, now) };
  }
}

function wishes(services: ServiceDescription[]): Wanted[] {
  return services.flatMap(({ name, certificate }) =>
    certificate ? [{ ...certificate, service: name, hosts: certificate.hosts.map((host) => host.toLowerCase()) }] : [],
  );
}
