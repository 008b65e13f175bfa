import fc from 'fast-check';
import t from 'tap';
import { HomeostatError } from '../../runner/common/errors';
import { parseConfiguration } from '../../runner/jobs/configuration';
import { commands } from './support';

const parse = (text: string, folder: string) => parseConfiguration(text, `${folder}/jobs.yml`, commands);

const problemsOf = (text: string, folder = '/nowhere'): string[] => {
  try {
    parse(text, folder);
  } catch (error) {
    if (error instanceof HomeostatError && error.code === 'JOBS_INVALID') return error.evidence;
    throw error;
  }
  return [];
};

t.test('a full file', async (t) => {
  const folder = t.testdir({ key: 'k', hosts: 'h', secret: 's' });
  const { jobs, ...rest } = parse(
    `
url: https://ci.example/jobs
executors: 3
quietPeriod: 5s
keep: { builds: 10, days: 7 }
logMegabytes: 5
webhooks: { githubSecretFile: secret, giteaSecretFile: ./secret }
jobs:
  shop:
    repository: git@git.example:team/shop.git
    branches: [main, 'release/*']
    deployKey: key
    knownHosts: hosts
    gitTimeout: 1m
    timeout: 1h30m
    quietPeriod: 0
    keep: { builds: 3 }
    environment: { A: b, C: { file: secret } }
    arguments: [--config, shop/homeostat.yml]
  service-scale:
    command: scale
    parameters:
      service:
      scale: { choices: [up, down], description: which way }
`,
    folder,
  );
  t.match(rest, {
    url: 'https://ci.example/jobs/',
    executors: 3,
    logLimit: 5_000_000,
    githubSecretFile: `${folder}/secret`,
  });
  t.match(jobs.get('shop'), {
    ...{ kind: 'pipeline', deployKey: `${folder}/key`, knownHosts: `${folder}/hosts`, gitTimeout: 60_000 },
    ...{
      timeout: 5_400_000,
      quietPeriod: 0,
      keep: { builds: 3, days: 7 },
      environment: { A: 'b', C: { file: `${folder}/secret` } },
    },
  });
  t.match(jobs.get('service-scale'), { kind: 'command', quietPeriod: 5000, keep: { builds: 10, days: 7 } });
  t.same(jobs.get('service-scale')!.parameters.get('scale'), {
    default: 'up',
    choices: ['up', 'down'],
    description: 'which way',
  });
  t.same(parse('jobs: {}', folder).executors, 2, 'everything but jobs has a default');
});

t.test('all problems at once, each with its place and the nearest known key', async (t) => {
  t.same(
    problemsOf(`executers: 2
quietPeriod: soon
jobs:
  shop:
    repositry: https://git.example/shop.git
    branches: ['*']
  ../etc:
    command: scael
    deployKey: /none/key
    parameters:
      delay: {}
      scale: { choices: [up], default: down, kind: x }
    environment: { 1A: x, PORT: 80, T: { fiel: x } }
`),
    [
      "jobs.yml:1:1 unknown key 'executers' (did you mean 'executors'?)",
      "jobs.yml:2:1 'quietPeriod': is not a duration; write for example 90s, 10m or 1h30m",
      "jobs.yml:4:3 'jobs.shop' needs either repository (a pipeline job) or command (a command job)",
      "jobs.yml:5:5 unknown key 'jobs.shop.repositry' (did you mean 'repository'?)",
      "jobs.yml:6:5 'jobs.shop.branches' is only for jobs with a repository",
      "jobs.yml:6:5 'jobs.shop.branches' needs one name without *, for builds that name no branch",
      "jobs.yml:7:3 'jobs.../etc' is not a job name; use letters, digits, . _ -, a letter or digit first, at most 63",
      "jobs.yml:8:5 'jobs.../etc.command' is 'scael', which is no homeostat command (did you mean 'scale'?); use one of scale, pipeline, cleanup, status",
      "jobs.yml:9:5 'jobs.../etc.deployKey' the file /none/key cannot be read",
      "jobs.yml:9:5 'jobs.../etc.deployKey' is only for jobs with a repository",
      "jobs.yml:11:7 'jobs.../etc.parameters.delay' is not a parameter name (letters, digits, _ -; not delay, token)",
      "jobs.yml:12:31 'jobs.../etc.parameters.scale.default' is 'down', which is not one of up",
      "jobs.yml:12:46 unknown key 'jobs.../etc.parameters.scale.kind'",
      "jobs.yml:13:20 'jobs.../etc.environment.1A' is not a variable name",
      "jobs.yml:13:27 'jobs.../etc.environment.PORT' is 80, which is not allowed here; put it in quotes",
      "jobs.yml:13:37 'jobs.../etc.environment.T.file' is required",
      "jobs.yml:13:42 unknown key 'jobs.../etc.environment.T.fiel' (did you mean 'file'?)",
    ],
  );
});

t.test('files that are no mapping of jobs', async (t) => {
  t.match(problemsOf('jobs: [a'), [/^jobs\.yml:\d:\d+ /]);
  t.match(problemsOf('jobs: {}\njobs: {}'), [/^jobs\.yml:2:1 Map keys must be unique/]);
  t.match(problemsOf('jobs: *none'), [/^jobs\.yml:1:7 Unresolved alias/]);
  t.match(problemsOf(''), [/'jobs' is required/]);
  for (const text of ['[]', 'text', 'jobs: 1', 'jobs: { a: 1 }', 'jobs: { a: }', 'jobs: { a: { command: 1 } }'])
    t.ok(problemsOf(text).length > 0, text);
  t.throws(() => parseConfiguration('jobs: {}', '/none/jobs.yml', []).jobs.get('x')!.name);
});

t.test('URLs that git must not get', async (t) => {
  for (const url of [
    '--upload-pack=x',
    '-x',
    'ext::sh -c x',
    'ext::x',
    '/srv/git/x.git',
    'https://u:p@x/y',
    'ssh://-oProxyCommand=x/y',
    'ftp://x/y',
    'fd::7',
    'x',
    "'a b:c'",
  ])
    t.match(problemsOf(`jobs: { a: { repository: ${JSON.stringify(url)} } }`), [/repository/], url);
  for (const url of [
    'https://x/y.git',
    'http://u@x:3000/y',
    'ssh://git@x:22/y',
    'git@x:y/z.git',
    'git://x/y',
    'file:///srv/git/x.git',
  ])
    t.same(problemsOf(`jobs: { a: { repository: ${JSON.stringify(url)} } }`), [], url);
});

t.test('no text breaks the parser', async (t) => {
  const key = fc.constantFrom(
    'jobs',
    'keep',
    'webhooks',
    'executors',
    'a',
    'repository',
    'command',
    'parameters',
    'environment',
    'choices',
    '__proto__',
    'branches',
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5 },
      fc.string(),
      fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.constantFrom(1, null, true),
    ),
  }));
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(tree, (value) => void problemsOf(JSON.stringify(value))),
      { numRuns: 500 },
    ),
  );
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.string(), (text) => void problemsOf(text)),
      { numRuns: 300 },
    ),
  );
});
