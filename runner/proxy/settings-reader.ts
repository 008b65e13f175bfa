import { SettingsReader as Reader } from '../common/settings-reader';
import type { Binding } from './model';

export type { SettingProblem } from '../common/settings-reader';

/** The same, with what only a proxy has. */
export class SettingsReader extends Reader {
  /** Ports with what they speak: `80`, `443:ssl`, `443 ssl accept-proxy`. */
  bindings(variable: string): Binding[] | undefined {
    const allowed = 'ports with :ssl for TLS and :accept-proxy for the PROXY protocol, such as 80,443:ssl';
    const found: Binding[] = [];
    for (const item of this.list(variable)) {
      const [port, ...words] = item.split(/[\s:]+/);
      const known = words.every((word) => word === 'ssl' || word === 'accept-proxy');
      if (!/^\d{1,5}$/.test(port!) || Number(port) < 1 || Number(port) > 65_535 || !known)
        return this.refuse(variable, item, allowed);
      found.push({
        port: Number(port),
        tls: words.includes('ssl'),
        proxyProtocol: words.includes('accept-proxy'),
      });
    }
    return found.length > 0 ? found : undefined;
  }
}
