import { fail } from '../common/errors';
import { requireTag } from '../image/reference';
import type { Source } from './source';

const buildShape = /^[a-z0-9][a-z0-9-]{0,19}$/;

/**
 * The build's number: given, or that of Jenkins, or one from the clock for a build by hand.
 * @throws USAGE_INVALID
 */
export function buildNumber(given: string | undefined, env: Record<string, string | undefined>, now: Date): string {
  const build = given ?? env.BUILD_NUMBER ?? `h${Math.floor(now.getTime() / 1000).toString(36)}`;
  if (buildShape.test(build)) return build;
  return fail('USAGE_INVALID', `build '${build.slice(0, 80)}' is not a build number`, {
    remedy: 'Use at most 20 lower-case letters, digits and -.',
  });
}

/** The tag an image is built under: its commit, or the build where there is no clean commit. */
export function buildTag(source: Source, build: string): string {
  return source.revision && !source.dirty ? source.revision.slice(0, 12) : `build-${build}`;
}

/**
 * The tags of a release, with `{revision}`, `{build}`, `{branch}` and `{date}` filled in.
 * @throws IMAGE_INVALID, USAGE_INVALID for a placeholder nobody knows or that has no value here
 */
export function releaseTags(templates: string[], source: Source, build: string, now: Date): string[] {
  const values: Record<string, string | undefined> = {
    revision: source.revision?.slice(0, 12),
    build,
    branch: source.branch?.replace(/[^\w.-]+/g, '-').replace(/^[.-]+/, ''),
    date: now.toISOString().slice(0, 10).replaceAll('-', ''),
  };
  const fill = (template: string) =>
    template.replace(/\{([^}]*)\}/g, (_whole, key: string) => {
      if (!Object.hasOwn(values, key))
        fail('USAGE_INVALID', `tags: '{${key}}' in '${template}' is not known`, {
          remedy: `Use ${Object.keys(values)
            .map((each) => `{${each}}`)
            .join(', ')}.`,
        });
      return (
        values[key] ??
        fail('USAGE_INVALID', `tags: '{${key}}' in '${template}' has no value here`, {
          remedy: 'Build from a git checkout, or use {build}.',
        })
      );
    });
  return [...new Set(templates.map((template) => requireTag(fill(template), 'tags')))];
}
