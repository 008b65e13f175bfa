import type { AgentReport } from '../common/bundle';
import type { Context } from '../common/context';
import { messageOf } from '../common/errors';
import type { ControllerClient } from './controller-client';

/** Sends reports one at a time; while one is on its way, only the newest of the next is kept. */
export class Reporter {
  private sending: Promise<void> | undefined;
  private again = false;

  constructor(
    private readonly client: ControllerClient,
    private readonly read: () => Promise<AgentReport>,
    private readonly context: Context,
  ) {}

  /** Returns at once. A report that is lost is made up for by the next. */
  send(): void {
    if (this.sending) this.again = true;
    else this.sending = this.run();
  }

  private async run(): Promise<void> {
    do {
      this.again = false;
      try {
        await this.client.report(await this.read());
      } catch (error) {
        if (!this.context.signal.aborted) this.context.log.debug(`the report was not sent: ${messageOf(error)}`);
      }
    } while (this.again && !this.context.signal.aborted);
    this.sending = undefined;
  }
}
