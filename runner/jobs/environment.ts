import { readFileSync } from 'node:fs';
import type { Environment } from '../common/context';
import { fail, messageOf } from '../common/errors';
import type { Masker } from '../common/mask';
import type { Build, Job } from './model';
import { withoutEmpty } from './parameters';

/** What a build inherits from the server; nothing else of its environment reaches one. */
const inherited = /^(PATH|HOME|LANG|SSL_CERT_FILE|NODE_EXTRA_CA_CERTS|DOCKER_[A-Z0-9_]+)$/;

export const cookieVariable = 'BUILD_COOKIE';

/** The environment of a build: what is inherited, then the job's own, then what the server says of the build. */
export function buildEnvironment(
  server: Environment,
  jobValues: Environment,
  build: Build,
  facts: { buildUrl: string; resultFile: string },
): Environment {
  const parameters = withoutEmpty(build.parameters);
  return {
    ...Object.fromEntries(Object.entries(server).filter(([name]) => inherited.test(name))),
    ...jobValues,
    JOB_NAME: build.job,
    BUILD_NUMBER: String(build.number),
    BUILD_URL: facts.buildUrl,
    HOMEOSTAT_RESULT: facts.resultFile,
    [cookieVariable]: build.cookie,
    ...(build.commit ? { GIT_COMMIT: build.commit } : {}),
    ...(build.branch ? { GIT_BRANCH: build.branch } : {}),
    ...(Object.keys(parameters).length > 0 ? { HOMEOSTAT_PARAMETERS: JSON.stringify(parameters) } : {}),
  };
}

/**
 * The job's own environment. Values from files are read anew for each build, so that they can be rotated, and are masked
 * in its log.
 * @throws SECRET_MISSING
 */
export function readJobEnvironment(job: Job, masker: Masker): Environment {
  return Object.fromEntries(
    Object.entries(job.environment).map(([name, value]) => {
      if (typeof value === 'string') return [name, value];
      const secret = readSecretFile(value.file, `environment.${name} of the job ${job.name}`);
      masker.add(secret);
      return [name, secret];
    }),
  );
}

/**
 * The content of a secret's file without the line end that editors add.
 * @throws SECRET_MISSING
 */
export function readSecretFile(file: string, purpose: string): string {
  try {
    const secret = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    if (secret !== '') return secret;
  } catch (error) {
    fail('SECRET_MISSING', `the file for ${purpose} cannot be read`, { cause: messageOf(error) });
  }
  return fail('SECRET_MISSING', `the file for ${purpose} is empty: ${file}`);
}
