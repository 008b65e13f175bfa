import { resource, resourcesBelow } from '../common/resources';

const shared = ['jobs.groovy', 'plugins.txt', 'tokens.groovy'];

/** What the image of Jenkins is built from, besides the official one: its own files, the seeds and the list of plugins. */
export const jenkinsImageFiles = (): Record<string, string> => ({
  ...resourcesBelow('resources/images/jenkins'),
  ...Object.fromEntries(shared.map((name) => [name, resource(`resources/jenkins/${name}`)])),
});
