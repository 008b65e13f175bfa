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

/** A logger that masks secrets and writes whole lines to one stream. */
export function createLogger(stream: TextStream, masker: Masker, options: { debug?: boolean } = {}): Logger {
  const line = (level: Level, message: string) => {
    if (level === 'debug' && !options.debug) return;
    stream.write(`${masker(marks[level] + printable(message))}\n`);
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

/** Control characters made visible, so that no text from outside can drive a terminal or forge a log line. */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/g, (character) =>
    character === '\r' ? '' : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
