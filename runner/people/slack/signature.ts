import { createHmac, timingSafeEqual } from 'node:crypto';

/** Seconds that a request may be old, or ahead of our clock. */
const skew = 300;

export interface SignedRequest {
  timestamp: string | undefined;
  signature: string | undefined;
  /** As it came, byte by byte. */
  body: Buffer;
}

/**
 * Looks whether requests come from Slack (https://docs.slack.dev/authentication/verifying-requests-from-slack), and each
 * only once.
 */
export class SignatureCheck {
  /** Signatures that were seen, with the second in which they end. */
  private readonly seen = new Map<string, number>();

  constructor(private readonly secret: string) {}

  /** Why a request is not taken; undefined where it is. */
  refusal({ timestamp, signature, body }: SignedRequest, now: number): 'forged' | 'late' | 'replayed' | undefined {
    const seconds = Math.floor(now / 1000);
    if (!timestamp || !signature || !/^\d{1,12}$/.test(timestamp)) return 'forged';
    const wanted = createHmac('sha256', this.secret).update(`v0:${timestamp}:`).update(body).digest();
    const given = Buffer.from(/^v0=([0-9a-f]{64})$/.exec(signature)?.[1] ?? '', 'hex');
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return 'forged';
    if (Math.abs(seconds - Number(timestamp)) > skew) return 'late';
    if (this.seen.has(signature)) return 'replayed';
    // Only what Slack has signed comes here, so nobody else can fill this.
    for (const [old, end] of this.seen) if (end < seconds) this.seen.delete(old);
    this.seen.set(signature, Number(timestamp) + skew);
    return undefined;
  }
}
