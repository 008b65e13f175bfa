import type { ProxiedService } from './model';

/**
 * An operator's template with what it may name of a service, in the words of Docker Flow's: `{{.ServiceName}}`,
 * `{{.AclName}}`, `{{.Port}}`, `{{.HttpsPort}}`, `{{.SrcPort}}`, `{{.ServicePath}}`, `{{.ServiceDomain}}`, `{{.UserDef}}`,
 * `{{.Address}}` and `{{.Slots}}`; lists with blanks between their items. Only for services that the operator lists.
 */
export function applyTemplate(template: string, service: ProxiedService): string[] {
  const { description, address, slots } = service;
  const first = description.destinations[0];
  const values: Record<string, string> = {
    ServiceName: description.name,
    AclName: description.aclName,
    Port: String(first?.port ?? ''),
    HttpsPort: String(first?.httpsPort ?? ''),
    SrcPort: String(first?.sourcePort ?? ''),
    ServicePath: first?.paths.join(' ') ?? '',
    ServiceDomain: first?.domains.map(({ value }) => value).join(' ') ?? '',
    UserDef: first?.userDefined ?? '',
    Address: address ?? `tasks.${description.name}`,
    Slots: String(slots),
  };
  return template
    .replace(/\{\{\s*\.(\w+)\s*\}\}/g, (whole, name: string) => (Object.hasOwn(values, name) ? values[name]! : whole))
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line.trim() !== '');
}
