/** Shorter values are not masked: they would hit ordinary words. */
const minimumLength = 5;
const secretName = /(TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|PRIVATE|CREDENTIAL|API_?KEY|ACCESS_?KEY|AUTH(?!OR(?!I)))/i;
/** Names that look secret and hold a path or a switch. */
const publicName =
  /^(SSH_AUTH_SOCK|GPG_AGENT_INFO|XAUTHORITY)$|_(FILE|PATH|URL|SOCK|HEADER|ENABLED|TYPE|USER|USERNAME)$/i;

export interface Masker {
  /** The text with every known secret replaced, in raw, JSON-escaped, URL-encoded and base64 form. */
  (text: string): string;
  /** Learns one more secret. */
  add(secret: string): void;
  /** Length of the longest form: how much of a stream has to be held back. */
  readonly longest: number;
}

/** Values of environment variables whose names say that they are secret. */
export function secretsOf(env: Record<string, string | undefined>): string[] {
  return Object.entries(env)
    .filter(([name, value]) => value !== undefined && secretName.test(name) && !publicName.test(name))
    .filter(([, value]) => !/^(true|false)$/i.test(value!))
    .map(([, value]) => value as string);
}

/** A masker for these secrets; each form is replaced by `****`. */
export function createMasker(secrets: string[] = []): Masker {
  let forms: string[] = [];
  const learn = (secret: string) => {
    for (const part of [secret, ...secret.split(/\r\n|[\r\n]/)]) {
      for (const each of new Set([part, part.trim()]))
        if (each.trim().length >= minimumLength) forms.push(...formsOf(each));
    }
    forms = [...new Set(forms)].sort((a, b) => b.length - a.length);
  };
  secrets.forEach(learn);
  const mask = (text: string) => {
    let masked = text;
    for (const form of forms) if (masked.includes(form)) masked = masked.replaceAll(form, '****');
    return masked;
  };
  return Object.defineProperty(Object.assign(mask, { add: learn }), 'longest', {
    get: () => forms[0]?.length ?? 0,
  }) as unknown as Masker;
}

/** The document as JSON, with secrets masked in its texts only: it stays JSON, whatever a secret looks like. */
export const maskedJson = (masker: Masker, document: object): string =>
  JSON.stringify(document, (_key, value: unknown) => (typeof value === 'string' ? masker(value) : value), 2);

const hexadecimal = (character: string, digits: number) => character.charCodeAt(0).toString(16).padStart(digits, '0');

function formsOf(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  // What is no text (a lone surrogate) can be in no URL.
  const text = Buffer.from(secret).toString();
  const url = encodeURIComponent(text);
  return [
    secret,
    json,
    JSON.stringify(json).slice(1, -1),
    // As Go writes it, and as Groovy and Python do.
    json.replace(/[<>&]/g, (character) => `\\u${hexadecimal(character, 4)}`),
    json.replace(/[\u0080-\uffff]/g, (character) => `\\u${hexadecimal(character, 4)}`),
    url,
    url.replaceAll('%20', '+'),
    url.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    url.replace(/[!'()*]/g, (character) => `%${hexadecimal(character, 2).toUpperCase()}`),
    encodeURI(text),
    ...base64Forms(secret),
  ].filter((form) => form.length >= minimumLength);
}

/** Base64 of the secret at each of the three offsets at which it can stand inside a longer text. */
function base64Forms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const forms = [bytes.toString('base64').replace(/=+$/, ''), bytes.toString('base64url')];
  for (const offset of [1, 2]) {
    const skip = offset === 1 ? 2 : 3;
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const whole = encoded.slice(skip, (bytes.length + offset) % 3 === 0 ? undefined : -1);
    forms.push(whole, whole.replaceAll('+', '-').replaceAll('/', '_'));
  }
  if (bytes.length % 3 !== 0) {
    const open = forms[0]!.slice(0, -1);
    forms.push(open, open.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return forms;
}

/** Longest line that is held back; a longer one is let go in pieces. */
const longestLine = 65_536;

/**
 * Masks a stream of text piece by piece: whole lines are let go at once, and of an unfinished line as much is held
 * back as a secret could need.
 */
export function createStreamMasker(masker: Masker, write: (text: string) => void) {
  let held = '';
  return {
    push(text: string) {
      held += text;
      const end = held.lastIndexOf('\n') + 1;
      if (end > 0) {
        write(masker(held.slice(0, end)));
        held = held.slice(end);
      }
      if (held.length > longestLine + masker.longest) {
        const masked = masker(held);
        const keep = Math.min(masker.longest, masked.length);
        write(masked.slice(0, masked.length - keep));
        held = masked.slice(masked.length - keep);
      }
    },
    end() {
      if (held) write(masker(held));
      held = '';
    },
  };
}
