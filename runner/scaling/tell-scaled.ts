import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { tellStory } from '../people/notices';
import { replicasText } from './decide-guards';
import type { Observation } from './observe';
import type { ScaleResult } from './scale';

/** Tells people that a service was scaled: one message a day for each service, so that a busy day is no flood. */
export async function tellScaled(
  engine: Engine,
  { service, from, to, reason, by }: ScaleResult,
  { running, observed, problem }: Observation,
  context: Context,
): Promise<void> {
  const day = context.clock.now().toISOString().slice(0, 10);
  await tellStory(
    engine,
    {
      ...{ story: `scale ${service} ${day}`, kind: 'scale', subject: service },
      title: `${service}: ${from} to ${replicasText(to ?? from)}`,
      lines: [`${reason} (by ${by})`, ...(observed ? [] : [problem ?? `${running} run so far`])],
      level: 'info',
      ended: true,
    },
    context,
  );
}
