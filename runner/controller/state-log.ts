import type { Logger } from '../common/log';
import type { ServiceState } from './model';

/** Lines of one pass; the rest is in the status. */
const most = 20;

/** Tells the log of services that turned bad or good: once for each change, not at each pass. */
export class StateLog {
  private told = new Map<string, string>();

  constructor(private readonly log: Logger) {}

  tell(services: ServiceState[]): void {
    const told = new Map<string, string>();
    const lines: string[] = [];
    for (const service of services) {
      const line = service.state === 'ignored' ? undefined : lineOf(service);
      const before = this.told.get(service.name);
      if (line !== undefined) told.set(service.name, line);
      if (line === before) continue;
      lines.push(line ?? `${service.name}: its labels are good again`);
    }
    this.told = told;
    for (const line of lines.slice(0, most)) this.log.warn(line);
    if (lines.length > most) this.log.warn(`and ${lines.length - most} more services changed`);
  }
}

/** Undefined for a service with nothing wrong. */
function lineOf({ name, state, lastGood, problems }: ServiceState): string | undefined {
  if (problems.length === 0) return undefined;
  const served = state !== 'quarantined' ? '' : lastGood ? ' (its last good version is served)' : ' (it has no route)';
  const texts = problems.map(({ severity, label, message }) => `${severity}: ${label ? `${label}: ` : ''}${message}`);
  return `${name}${served}: ${texts.join('; ')}`;
}
