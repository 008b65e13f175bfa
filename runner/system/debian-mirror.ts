export interface DebianMirrors {
  /** The main archive, such as http://host/debian. */
  archive: string;
  /** Where the security suites are, when the machine has one configured. */
  security: string | undefined;
}

interface Source {
  uri: string;
  suite: string;
}

const releases =
  /^(stable|testing|unstable|oldstable|oldoldstable|sid|buster|bullseye|bookworm|trixie|forky|duke)(-security|-updates|\/updates)?$/;

/**
 * The Debian mirrors that apt of this machine is configured to use, from the text of its sources files in either format
 * (https://manpages.debian.org/sources.list.5); undefined when there is none, as on Ubuntu.
 */
export function debianMirrors(files: string[]): DebianMirrors | undefined {
  const sources = files.flatMap((text) => [...oneLineSources(text), ...stanzaSources(text)]).filter(usable);
  const security = sources.find(({ suite }) => /(-security|\/updates)$/.test(suite))?.uri;
  const updated = new Set(sources.filter(({ suite }) => suite.endsWith('-updates')).map(({ uri }) => uri));
  const candidates = sources.filter(({ suite }) => !/[-/]/.test(suite)).map(({ uri }) => uri);
  // Other vendors use Debian's suite names as well; only Debian has a suite of updates or is called so.
  const archive =
    candidates.find((uri) => updated.has(uri)) ?? candidates.find((uri) => /\/debian\b/.test(new URL(uri).pathname));
  return archive ? { archive, security } : undefined;
}

/** Credentials of a mirror would end up in the image, and other schemes do not work inside it. */
function usable({ uri, suite }: Source): boolean {
  if (!releases.test(suite) || !URL.canParse(uri)) return false;
  const { protocol, username } = new URL(uri);
  return ['http:', 'https:'].includes(protocol) && username === '';
}

const withoutSlash = (uri: string) => uri.replace(/\/+$/, '');

function oneLineSources(text: string): Source[] {
  return [...text.matchAll(/^[ \t]*deb[ \t]+(?:\[[^\]\n]*\][ \t]+)?(\S+)[ \t]+(\S+)[ \t]+(.*)$/gm)]
    .filter(([, , , components]) => hasMain(components!.replace(/#.*/, '')))
    .map(([, uri, suite]) => ({ uri: withoutSlash(uri!), suite: suite! }));
}

const hasMain = (components: string) => components.split(/\s+/).includes('main');

function stanzaSources(text: string): Source[] {
  const plain = text.replace(/^#.*\n?/gm, '');
  return plain.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string) =>
      new RegExp(`^${name}:(.*(?:\\n[ \\t]+.*)*)`, 'im').exec(stanza)?.[1]?.trim().split(/\s+/).filter(Boolean) ?? [];
    if (!field('Types').includes('deb') || field('Enabled').includes('no') || !field('Components').includes('main'))
      return [];
    return field('URIs').flatMap((uri) => field('Suites').map((suite) => ({ uri: withoutSlash(uri), suite })));
  });
}
