import type { Context } from '../common/context';
import { fail } from '../common/errors';
import { peopleSettings, type PeopleSettings } from '../people/settings';
import { withSecrets } from './site-files';

/**
 * Where people are told and asked, from the environment and from secrets; what is secret is made known to the masker.
 * @throws USAGE_INVALID listing every variable that is wrong
 */
export async function readPeopleSettings(secrets: string, context: Context): Promise<PeopleSettings> {
  const { settings, problems } = peopleSettings(await withSecrets(context.env, secrets));
  for (const secret of [settings.slack?.token, settings.slack?.signingSecret, settings.jenkins?.token])
    if (secret !== undefined) context.masker.add(secret);
  if (problems.length > 0)
    fail('USAGE_INVALID', 'the settings for people are wrong', {
      evidence: problems.map(({ message }) => message),
      remedy: 'Correct the variables named; docs/people.md explains each.',
    });
  return settings;
}
