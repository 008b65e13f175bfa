import { readBody, Refusal } from '../../common/refusal';
import type { PeopleDesk } from '../../people/desk';
import { parseClick } from '../../people/slack/interaction';
import type { Answer } from './answer';
import type { Call, Route } from './server';

const longest = 64 * 1024;

/** Where Slack sends clicks: who sends something else, or without Slack's signature, learns nothing. */
export const slackRoutes = (people: PeopleDesk): Route[] => [
  { method: 'POST', path: '/v1/slack/interactions', handle: (call) => interaction(people, call) },
];

async function interaction(people: PeopleDesk, { request }: Call): Promise<Answer> {
  const body = await readBody(request, longest);
  const header = (name: string) => {
    const value = request.headers[name];
    return typeof value === 'string' ? value : undefined;
  };
  const signed = { timestamp: header('x-slack-request-timestamp'), signature: header('x-slack-signature'), body };
  if (people.refusal(signed)) throw new Refusal(401, 'this was not signed by Slack just now');
  const click = parseClick(payloadOf(body));
  if (click) {
    // Slack waits three seconds at most; the Swarm may take longer.
    setImmediate(() => void people.take(click));
  } else people.notUnderstood();
  return { status: 200 };
}

/** The document of the form's one field; undefined where it is none. */
function payloadOf(body: Buffer): unknown {
  try {
    return JSON.parse(new URLSearchParams(body.toString()).get('payload') ?? '') as unknown;
  } catch {
    return undefined;
  }
}
