import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { toHomeostatError } from '../common/errors';
import { tellStory, type Story } from '../people/notices';
import type { StoredRecord } from '../swarm/store';
import type { Release, Rollout } from './releases';
import { keyLine } from './report';

/** What is the same from the begin of a rollout to its end. */
function storyOf({ stack, number, origin, targets }: Rollout): Pick<Story, 'story' | 'kind' | 'subject' | 'lines'> {
  const { kind, by, approvedBy, revision, build, rollbackTo } = origin;
  const what = kind === 'rollback' ? `back to release ${rollbackTo}` : '';
  const from = [revision ? `commit ${revision.slice(0, 12)}` : '', build ? `build ${build}` : '', `by ${by}`];
  const approved = approvedBy ? `approved by ${approvedBy}` : '';
  const images = targets.flatMap(({ service, image }) => (image?.includes('@') ? [`${service}: ${image}`] : []));
  return {
    story: `deploy ${stack} ${number}`,
    kind: 'deploy',
    subject: stack,
    lines: [[what, ...from, approved].filter(Boolean).join(', '), ...images],
  };
}

/** Tells people that a rollout begins. */
export const tellBegin = (engine: Engine, { data }: StoredRecord<Rollout>, context: Context): Promise<void> =>
  tellStory(
    engine,
    { ...storyOf(data), title: `${data.stack}: release ${data.number} is being deployed`, level: 'info' },
    context,
  );

/** Does what ends a rollout, and tells people how it has ended. @throws what the work does */
export async function tellEnd(
  engine: Engine,
  { data }: StoredRecord<Rollout>,
  context: Context,
  work: () => Promise<Release>,
): Promise<Release> {
  const story = storyOf(data);
  const name = `${data.stack}: release ${data.number}`;
  try {
    const release = await work();
    await tellStory(engine, { ...story, title: `${name} runs`, level: 'good', ended: true }, context);
    return release;
  } catch (thrown) {
    const error = toHomeostatError(thrown);
    // A runner that was stopped has ended nothing: the next one settles the rollout.
    if (error.code === 'STOPPED') throw thrown;
    const ends = { ROLLOUT_FAILED: 'was rolled back', ROLLOUT_DEADLINE: 'took too long and was rolled back' };
    const end = (ends as Record<string, string>)[error.code] ?? 'failed';
    const lines = [error.message, error.causeText, keyLine(error.evidence)].filter((line) => line !== undefined);
    await tellStory(
      engine,
      { ...story, lines: [...story.lines, ...lines], title: `${name} ${end}`, level: 'danger', ended: true },
      context,
    );
    throw thrown;
  }
}
