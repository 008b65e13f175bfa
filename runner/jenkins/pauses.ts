/** Milliseconds. */
const shortest = 50;
const longest = 1000;
const growth = 1.3;

/** Pauses between looks at something that will change: short at first, since most of it is short, and longer with time. */
export class Pauses {
  private pause = shortest;

  next(): number {
    const pause = this.pause;
    this.pause = Math.min(pause * growth, longest);
    return pause;
  }

  /** Something has changed: more may follow soon. */
  shorten(): void {
    this.pause = shortest;
  }
}
