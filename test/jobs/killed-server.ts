import type { Test } from 'tap';
import { compiledRunner, ServerFolder, type ServerProcess } from './child';
import { temporaryFolder } from './support';

const yaml = (url = 'https://git.example/shop.git') => `
executors: 4
keep: { builds: 1000 }
jobs:
  service-scale:
    command: status
    environment: { RECORD: $RECORD }
    parameters: { mode: {}, service: {} }
  shop:
    repository: ${url}
    environment: { RECORD: $RECORD, MODE: slow }
`;

/** Makes folders for servers that are processes of their own, so that they can be killed. */
export async function serverFolders(t: Test): Promise<(place: Test | string, url?: string) => ServerFolder> {
  const runner = await compiledRunner(temporaryFolder(t));
  const folder = (place: Test | string) => (typeof place === 'string' ? place : temporaryFolder(place));
  return (place, url) => new ServerFolder(folder(place), runner, yaml(url));
}

export const trigger = (server: ServerProcess, query: string) =>
  server.client.post(`job/service-scale/buildWithParameters?${query}`);
