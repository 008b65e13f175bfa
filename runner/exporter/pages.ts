import { Page } from './page';
import type { Readings } from './readings';
import { writeMetrics } from './text';

/** The metrics as they are sent: who asks while a reading goes on is given the same. */
export class Pages {
  private going: Promise<Page> | undefined;
  /** Used again once nobody reads it. */
  private last = new Page();

  constructor(private readonly readings: Readings) {}

  now(): Promise<Page> {
    return (this.going ??= this.write().finally(() => (this.going = undefined)));
  }

  private async write(): Promise<Page> {
    const reading = await this.readings.read();
    if (this.last.readers > 0) this.last = new Page();
    this.last.clear();
    writeMetrics(this.last, reading);
    return this.last;
  }
}
