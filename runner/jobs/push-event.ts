import { createHmac, timingSafeEqual } from 'node:crypto';

/** Whether the signature is the HMAC-SHA256 of the body as it came, in hexadecimal; compared in constant time. */
export function isSigned(body: Buffer, secret: string, signature: string | undefined): boolean {
  if (secret === '' || signature === undefined || !/^[0-9a-f]{64}$/i.test(signature)) return false;
  return timingSafeEqual(createHmac('sha256', secret).update(body).digest(), Buffer.from(signature, 'hex'));
}

export interface PushEvent {
  /** All addresses under which the sender knows the repository. */
  urls: string[];
  branch: string;
}

/**
 * The push that a GitHub or Gitea webhook tells of, or why there is nothing to build.
 * @see https://docs.github.com/en/webhooks/webhook-events-and-payloads#push
 */
export function readPush(body: string, contentType: string): PushEvent | { ignored: string } | { invalid: string } {
  let payload: unknown;
  try {
    // GitHub's default content type carries the JSON in a form field.
    const form = contentType.startsWith('application/x-www-form-urlencoded');
    payload = JSON.parse(form ? (new URLSearchParams(body).get('payload') ?? '') : body);
  } catch {
    return { invalid: 'the body is not JSON' };
  }
  const push = payload as Record<string, unknown> | null;
  const repository = push?.repository as Record<string, unknown> | null | undefined;
  if (typeof push?.ref !== 'string' || typeof repository !== 'object' || repository === null)
    return { invalid: 'the body has no ref or no repository' };
  if (!push.ref.startsWith('refs/heads/')) return { ignored: 'the push is not to a branch' };
  if (push.deleted === true || (typeof push.after === 'string' && /^0+$/.test(push.after)))
    return { ignored: 'the branch was deleted' };
  const urls = ['clone_url', 'ssh_url', 'git_url', 'html_url', 'url']
    .map((key) => repository[key])
    .filter((url): url is string => typeof url === 'string');
  return { urls, branch: push.ref.slice('refs/heads/'.length) };
}
