/** A text that is written piece by piece into memory that is used again: texts of a MB would be garbage each time. */
export class Page {
  private memory = Buffer.allocUnsafeSlow(64 * 1024);
  private length = 0;

  constructor(
    /** Answers that are being sent out of it. */
    public readers = 0,
  ) {}

  clear(): void {
    this.length = 0;
  }

  add(text: string): void {
    // No character takes more than three bytes.
    this.need(text.length * 3);
    this.length += this.memory.write(text, this.length);
  }

  addBytes(bytes: Buffer): void {
    this.need(bytes.length);
    this.length += bytes.copy(this.memory, this.length);
  }

  /** Valid until it is cleared. */
  bytes(): Buffer {
    return this.memory.subarray(0, this.length);
  }

  private need(more: number): void {
    if (this.length + more <= this.memory.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.ceil((this.length + more) * 1.25));
    this.memory.copy(larger, 0, 0, this.length);
    this.memory = larger;
  }
}
