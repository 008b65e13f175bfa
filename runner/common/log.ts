import type { Masker } from './mask';

export type Level = 'debug' | 'info' | 'warn' | 'error';

export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
  /** Lines of another program, each behind the same prefix. */
  output(prefix: string, text: string): void;
}

export interface TextStream {
  write(text: string): unknown;
  isTTY?: boolean | undefined;
  columns?: number | undefined;
}

const marks: Record<Level, string> = { debug: '·', info: '', warn: 'warning: ', error: 'error: ' };

/** A message of several lines is set in, so that none of them can pass for a message of its own. */
const indented = (text: string): string => text.replaceAll('\n', '\n  ');

/** A logger that masks secrets and writes whole lines to one stream. */
export function createLogger(stream: TextStream, masker: Masker, options: { debug?: boolean } = {}): Logger {
  const line = (level: Level, message: string) => {
    if (level === 'debug' && !options.debug) return;
    // Before and after: a secret may hold control characters, or have them between its letters.
    stream.write(`${marks[level]}${indented(masker(printable(masker(message))))}\n`);
  };
  return {
    debug: (message) => line('debug', message),
    info: (message) => line('info', message),
    warn: (message) => line('warn', message),
    error: (message) => line('error', message),
    output: (prefix, text) => {
      for (const each of text.replace(/\n$/, '').split('\n')) line('info', `${prefix}${each}`);
    },
  };
}

const colour = /\u001b\[[\d;]*m/g; // eslint-disable-line no-control-regex
// eslint-disable-next-line no-control-regex -- what turns the direction of writing (\u202a and so on) is among them
const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/**
 * Colours taken out and other control characters made visible, so that no text from outside can drive a terminal or
 * forge a log line.
 */
export function printable(text: string): string {
  return text
    .replace(colour, '')
    .replace(control, (character) =>
      character === '\r' ? '' : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
    );
}
