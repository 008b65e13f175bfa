import type { Test } from 'tap';
import { request, type Engine } from '../../runner/common/engine';
import type { Draft } from '../../runner/people/question';
import { uniqueName } from '../lab';

/** A question at a limit about a service of the test's own. */
export const limitDraft = (subject: string, more: Partial<Draft> = {}): Draft => ({
  kind: 'limit',
  subject,
  key: 'up',
  title: `${subject} wants 5 replicas and may have 4`,
  why: 'memory is above 80 % for ten minutes',
  evidence: [{ label: 'alert', text: 'memlimit', url: 'http://prometheus:9090/graph?a=1&b=2' }],
  choices: [
    {
      id: 'scale',
      label: 'Scale to 5',
      style: 'primary',
      action: { to: 5 },
      rule: { service: subject, direction: 'up', upTo: 5, days: 30 },
    },
    { id: 'hold', label: 'Hold for 1 h', action: { hold: '1h' } },
    { id: 'ignore', label: 'Ignore', style: 'danger', action: {} },
  ],
  fallback: 'ignore',
  expiresIn: 60_000,
  askedBy: 'service-scale',
  guard: { from: 4, to: 5 },
  ...more,
});

/** A name for the subjects of one test; its records go when the test ends. */
export function ownSubject(t: Pick<Test, 'teardown'>, engine: Engine): string {
  const subject = uniqueName('asked');
  t.teardown(async () => {
    const filters = { label: ['com.homeostat.kind'] };
    const list = await request<{ ID: string; Spec: { Data: string } }[]>(engine, 'GET', '/configs', {
      query: { filters },
    });
    for (const { ID, Spec } of list)
      if (Buffer.from(Spec.Data, 'base64').toString().includes(subject))
        await request(engine, 'DELETE', `/configs/${ID}`).catch(() => undefined);
  });
  return subject;
}
