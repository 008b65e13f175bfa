import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { createStreamMasker, type Masker } from '../common/mask';

/** The log file of one build: masked, and no longer than the limit plus a few lines of the server's own. */
export class BuildLog {
  private readonly descriptor: number;
  private written = 0;
  private full = false;
  private lineOpen = false;

  /** @param limit bytes of output that are kept */
  constructor(
    file: string,
    private readonly masker: Masker,
    private readonly limit: number,
  ) {
    this.descriptor = openSync(file, 'a', 0o600);
  }

  /** A line of the server's own, which is kept even when the log is full. */
  line(text: string): void {
    this.put(`${this.lineOpen ? '\n' : ''}${this.masker(text)}\n`);
  }

  /** A sink for one stream of output of a program. */
  stream() {
    return createStreamMasker(this.masker, (text) => this.output(text));
  }

  close(): void {
    try {
      fsyncSync(this.descriptor);
    } finally {
      closeSync(this.descriptor);
    }
  }

  private output(text: string): void {
    if (this.full) return;
    const bytes = Buffer.byteLength(text);
    if (this.written + bytes <= this.limit) {
      this.written += bytes;
      return this.put(text);
    }
    this.put(
      Buffer.from(text)
        .subarray(0, this.limit - this.written)
        .toString('utf8'),
    );
    this.full = true;
    this.line(`[the output is longer than ${this.limit / 1_000_000} MB; the rest is left out]`);
  }

  private put(text: string): void {
    if (text === '') return;
    try {
      writeSync(this.descriptor, text);
    } catch {
      // A full disk must not stop a deploy half way; what it prints is lost.
      this.full = true;
    }
    this.lineOpen = !text.endsWith('\n');
  }
}
