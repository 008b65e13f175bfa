/** Longest texts that Slack takes (https://docs.slack.dev/reference/block-kit/blocks). */
export const limits = { text: 3000, button: 75, field: 2000, value: 2000, blocks: 50, fallback: 3000 };

/**
 * A text that can be nothing but text in Slack: neither a link nor a mention such as <!channel>
 * (https://docs.slack.dev/messaging/formatting-message-text#escaping).
 */
export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** At most that long, and never cut within an escape or a pair of surrogates. */
export function clipped(text: string, length: number): string {
  if (text.length <= length) return text;
  const cut = text.slice(0, length - 1).replace(/&[a-z]{0,3}$|[\ud800-\udbff]$/, '');
  return `${cut}\u2026`;
}

/** A link, where the address is one. */
export function link(url: string | undefined, text: string): string {
  const shown = escaped(text);
  if (url === undefined || !/^https?:\/\/[^\s|<>]+$/.test(url)) return shown;
  return `<${escaped(url)}|${shown.replaceAll('|', '\u00a6')}>`;
}
