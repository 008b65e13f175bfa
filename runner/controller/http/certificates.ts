import type { Controller } from '../controller';
import { readBody, Refusal } from '../../common/refusal';
import { jsonAnswer, plainAnswer, type Answer } from './answer';
import type { Call, Route } from './server';

const longest = 128 * 1024;

/** Addresses for certificates and for the challenges by which they are ordered. */
export function certificateRoutes(controller: Controller): Route[] {
  const path = '/v1/certificates/';
  return [
    {
      method: 'GET',
      path: '/v1/certificates',
      role: 'reader',
      handle: () => jsonAnswer(controller.certificates?.states(controller.descriptions) ?? []),
    },
    { method: 'PUT', path, role: 'writer', handle: (call) => upload(controller, call) },
    { method: 'DELETE', path, role: 'writer', handle: (call) => remove(controller, call) },
    { method: 'GET', path: '/.well-known/acme-challenge/', handle: ({ part }) => challenge(controller, part) },
  ];
}

async function upload(controller: Controller, { part, request }: Call): Promise<Answer> {
  const problem = await keeper(controller).upload(part, (await readBody(request, longest)).toString());
  if (problem) throw new Refusal(400, `the certificate was not taken: ${problem}`);
  controller.wake();
  return { status: 204 };
}

async function remove(controller: Controller, { part }: Call): Promise<Answer> {
  if (!(await keeper(controller).remove(part))) throw new Refusal(404, 'no certificate of that name was uploaded');
  controller.wake();
  return { status: 204 };
}

function keeper({ certificates }: Controller) {
  if (!certificates) throw new Refusal(404, 'this controller keeps no certificates');
  return certificates;
}

function challenge({ certificates }: Controller, token: string): Answer {
  const answer = certificates?.challenges.get(token);
  if (answer === undefined) throw new Refusal(404, 'there is no such challenge');
  return plainAnswer(answer);
}
