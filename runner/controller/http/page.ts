import { z } from 'zod';
import { HomeostatError } from '../../common/errors';
import { Refusal } from '../../common/refusal';
import { resource } from '../../common/resources';
import type { Answer as Decision } from '../../people/question';
import type { Decided } from '../../people/questions';
import type { PageDocument } from '../page/document';
import { jsonAnswer, readJson, type Answer } from './answer';
import type { Call, Route } from './server';

export interface PageParts {
  document(): Promise<PageDocument>;
  answer(id: string, decision: Decision): Promise<Decided>;
}

const longestAnswer = 4096;

/** Nothing but the page's own files is loaded or asked, and no other page shows it. */
const safe = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
};

const files = [
  { path: '/', file: 'index.html', type: 'text/html; charset=utf-8' },
  { path: '/page.js', file: 'page.js', type: 'text/javascript; charset=utf-8' },
  { path: '/page.css', file: 'page.css', type: 'text/css; charset=utf-8' },
];

/** The status page: its files are open, what it tells needs a token. */
export const pageRoutes = (parts: PageParts, followTasks: () => void): Route[] => [
  ...files.map(({ path, file, type }): Route => ({
    method: 'GET',
    path,
    exact: true,
    handle: () => ({
      status: 200,
      headers: { 'Content-Type': type, ...safe },
      body: resource(`resources/page/${file}`),
    }),
  })),
  {
    method: 'GET',
    path: '/v1/page',
    role: 'reader',
    handle: async () => {
      followTasks();
      return jsonAnswer(await parts.document());
    },
  },
  { method: 'POST', path: '/v1/questions/', role: 'writer', handle: (call) => decide(parts, call) },
];

const line = (longest: number) =>
  z
    .string()
    .trim()
    .max(longest)
    .regex(/^[^\p{Cc}]*$/u);

const body = z.strictObject({
  choice: line(40),
  by: line(80).min(1),
  reason: line(300).optional(),
  standing: z.boolean().optional(),
});

/** Takes the answer of a person whose name is what the holder of the token says it is. */
async function decide(parts: PageParts, { part, request }: Call): Promise<Answer> {
  const parsed = body.safeParse(await readJson(request, longestAnswer));
  if (!parsed.success)
    throw new Refusal(
      400,
      `${parsed.error.issues[0]?.path.join('.') || 'the body'}: ${parsed.error.issues[0]?.message}`,
    );
  const { choice, by, reason, standing } = parsed.data;
  const decided = await parts
    .answer(part, { choice, by, via: 'page', ...(reason ? { reason } : {}), ...(standing ? { standing } : {}) })
    .catch((error: unknown) => {
      if (error instanceof HomeostatError && error.code === 'QUESTION_MISSING') throw new Refusal(404, error.message);
      throw error;
    });
  if (decided === 'decided') return jsonAnswer({ decided: true });
  if ('already' in decided)
    return jsonAnswer({ error: `${decided.already.by} was first and decided '${decided.already.choice}'` }, 409);
  return jsonAnswer({ error: decided.refused }, 403);
}
