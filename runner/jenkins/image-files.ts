import { resourcesBelow } from '../common/resources';

/** What the image of Jenkins is built from, besides the official one: its own files, the seeds and the list of plugins. */
export const jenkinsImageFiles = (): Record<string, string> => ({
  ...resourcesBelow('resources/images/jenkins'),
  ...resourcesBelow('resources/jenkins'),
});
