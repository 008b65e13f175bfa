import { Refusal } from '../../common/refusal';
import { jsonText, type Answer } from './answer';

/** Something of which agents want the newest revision. */
export interface Polled {
  /** Undefined where there is none yet. */
  current(): { revision: string; json: string } | undefined;
  /** Calls back at every change until the answer is called. */
  onChange(listener: () => void): () => void;
}

/** What an agent asks for. */
export interface Poll {
  of: Polled;
  /** Revision that it has. */
  have: string;
  /** Milliseconds to wait for another one. */
  wait: number;
}

const most = 1000;

/** Agents that wait for something new. */
export class Polls {
  private ended = false;
  private readonly waiting = new Set<() => void>();

  get count(): number {
    return this.waiting.size;
  }

  /** What is asked for as soon as its revision differs from what the agent has; 304 when the wait is over. */
  async answer(poll: Poll, gone: AbortSignal): Promise<Answer> {
    const now = this.look(poll);
    if (now || poll.wait === 0) return now ?? { status: 304 };
    if (this.waiting.size >= most)
      throw new Refusal(503, `${most} agents wait already`, { 'Retry-After': '5', Connection: 'close' });
    return new Promise<Answer>((resolve) => {
      const done = (answer: Answer) => {
        clearTimeout(timer);
        forget();
        this.waiting.delete(check);
        gone.removeEventListener('abort', leave);
        resolve(answer);
      };
      const check = () => {
        const found = this.ended ? stopping : this.look(poll);
        if (found) done(found);
      };
      const leave = () => done({ status: 304 });
      const timer = setTimeout(leave, poll.wait);
      const forget = poll.of.onChange(check);
      this.waiting.add(check);
      gone.addEventListener('abort', leave, { once: true });
      if (gone.aborted) leave();
    });
  }

  /** Sends all who wait away: the controller ends. */
  end(): void {
    this.ended = true;
    for (const check of [...this.waiting]) check();
  }

  private look({ of, have }: Poll): Answer | undefined {
    if (this.ended) return stopping;
    const current = of.current();
    return current && current.revision !== have ? jsonText(current.json) : undefined;
  }
}

const stopping: Answer = {
  status: 503,
  headers: { 'Content-Type': 'application/json; charset=utf-8', Connection: 'close', 'Retry-After': '1' },
  body: JSON.stringify({ error: 'the controller is being stopped' }),
};
