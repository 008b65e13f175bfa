/**
 * What Jenkins makes of a text of its configuration: first the variables that it knows are filled in and `^${…}` is left
 * alone, then what is unknown becomes empty and the `^` goes. Written after the two substitutors of Configuration as Code
 * (`SecretSourceResolver`) and what was observed of them; `lookup` is asked for each variable.
 */
export function interpolated(text: string, lookup: (name: string) => string | undefined): string {
  if (text.trim() === '' || !text.includes('${')) return text;
  return secondPass(firstPass(text, lookup));
}

function firstPass(text: string, lookup: (name: string) => string | undefined): string {
  for (let at = text.indexOf('${'); at >= 0; at = text.indexOf('${', at + 1)) {
    if (text[at - 1] === '^') continue;
    const end = matching(text, at + 2);
    if (end < 0) return text;
    const name = firstPass(text.slice(at + 2, end), lookup);
    const [variable, fallback] = name.split(/:-(.*)/s) as [string, string?];
    const value = lookup(variable) ?? fallback;
    if (value === undefined) at = end;
    else text = text.slice(0, at) + value + text.slice(end + 1);
  }
  return text;
}

/** Where the variable ends; others may stand inside it. */
function matching(text: string, from: number): number {
  for (let at = from, inside = 0; at < text.length; at++) {
    if (text.startsWith('${', at)) inside++;
    else if (text[at] === '}' && inside-- === 0) return at;
  }
  return -1;
}

function secondPass(text: string): string {
  for (let at = text.indexOf('${'); at >= 0; at = text.indexOf('${', at + 1)) {
    const end = text.indexOf('}', at + 2);
    if (end < 0) return text;
    if (text[at - 1] === '^') text = text.slice(0, at - 1) + text.slice(at--);
    else text = text.slice(0, at) + text.slice(end + 1);
  }
  return text;
}
