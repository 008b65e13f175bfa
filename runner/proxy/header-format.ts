/**
 * Header values of labels are HAProxy's log format, since existing stacks write `%[src]` and the like. What they may ask
 * for is what belongs to the request: nothing of the proxy itself, no file, no environment.
 */
const fetches = [
  'src',
  'src_port',
  'dst',
  'dst_port',
  'method',
  'path',
  'pathq',
  'query',
  'url',
  'base',
  'date',
  'rand',
  'uuid',
  'unique-id',
  'ssl_fc',
  'ssl_fc_sni',
  'ssl_fc_protocol',
  'ssl_fc_cipher',
  'ssl_c_used',
  'ssl_c_verify',
  'ssl_c_serial',
  'ssl_c_sha1',
  'ssl_c_notafter',
  'ssl_c_notbefore',
  'ssl_c_s_dn',
  'ssl_c_i_dn',
  'hdr',
  'req.hdr',
  'req.fhdr',
  'req.cook',
  'res.hdr',
  'res.cook',
  'cook',
  'url_param',
  'urlp',
];
const converters = [
  'lower',
  'upper',
  'hex',
  'base64',
  'field',
  'word',
  'json',
  'url_dec',
  'host_only',
  'http_date',
  'bytes',
  'length',
];
const aliases = 'ci|cp|fi|fp|ID|Ts|T|b|s';

const plain = `(?:\\([\\w .,:/@-]*\\))?`;
const escaped = (names: string[]) => names.map((name) => name.replaceAll('.', '\\.')).join('|');
const expression = new RegExp(
  `^%(?:\\{[+-][QX](?:,[+-][QX])*\\})?(?:\\[(?:${escaped(fetches)})${plain}(?:,(?:${escaped(converters)})${plain})*\\]|(?:${aliases})(?![A-Za-z]))`,
);

/** Pieces of a value: text, and expressions with their `%`. */
function pieces(value: string): { text: string; expression: boolean }[] {
  const found: { text: string; expression: boolean }[] = [];
  let rest = value;
  while (rest !== '') {
    const at = rest.indexOf('%');
    if (at !== 0) {
      const text = at < 0 ? rest : rest.slice(0, at);
      found.push({ text, expression: false });
      rest = rest.slice(text.length);
    } else if (rest.startsWith('%%')) {
      found.push({ text: '%', expression: false });
      rest = rest.slice(2);
    } else {
      const match = expression.exec(rest)?.[0];
      found.push({ text: match ?? '%', expression: match !== undefined });
      rest = rest.slice((match ?? '%').length);
    }
  }
  return found;
}

/** Why a header's value cannot be honoured; a single `%` is one. */
export function headerProblem(value: string): string | undefined {
  const strange = pieces(value).findIndex(
    ({ text, expression: known }, index, all) => text === '%' && !known && /^[[{]/.test(all[index + 1]?.text ?? ''),
  );
  if (strange < 0) return undefined;
  return `asks HAProxy for what a label may not have: '${value.slice(0, 80)}' (requests’ own parts are allowed, such as %[src] and %[req.hdr(host)])`;
}

/** The value as a log format, in which nothing but the allowed expressions is one. Not quoted yet. */
export const headerFormat = (value: string): string =>
  pieces(value)
    .map(({ text, expression: known }) => (known ? text : text.replaceAll('%', '%%')))
    .join('');
