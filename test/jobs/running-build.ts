import { existsSync, readFileSync } from 'node:fs';
import { repositoryIn, startServer, temporaryFolder, until, type TestServer } from './support';

const yaml = (url: string, more = '') => `
jobs:
  shop:
    repository: ${url}
    environment: { RECORD: $RECORD, MODE: MODE_OF_JOB }
    ${more}
`;

/** A job server with one pipeline, whose runner behaves as the mode says. */
export const serverWith = async (test: Parameters<typeof startServer>[0], mode: string, more = '') => {
  const folder = temporaryFolder(test);
  const { url } = repositoryIn(folder);
  const server = await startServer(test, yaml(url, more).replace('MODE_OF_JOB', mode), folder);
  return { server, client: await server.client() };
};

/** A process that is there and is no zombie. */
export const isAlive = (pid: number) =>
  existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
/** The pipeline's runner, as soon as it has begun. */
export const start = (server: TestServer) => until(() => server.records().find(({ args }) => args[0] === 'pipeline'));
