import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { HomeostatError } from '../../runner/common/errors';
import {
  failedReport,
  keyLine,
  renderReport,
  skip,
  stage,
  writeReport,
  type PipelineReport,
} from '../../runner/pipeline/report';
import { ociLabels, readSource, withoutCredentials } from '../../runner/pipeline/source';
import { buildNumber, buildTag, releaseTags } from '../../runner/pipeline/tags';
import { run } from '../../runner/common/process';
import { failureOf, holds, testContext } from '../common/support';

const now = new Date('2026-03-04T05:06:07Z');
const source = { revision: '0123456789abcdef0123', branch: 'feature/new shop', dirty: false };

t.test('a build number that could leave its place in a name is refused', async (t) => {
  for (const build of ['', 'A', '-1', 'a b', 'a/b', '1.2', '$(id)', 'x'.repeat(21), 'a\n', 'a_b'])
    t.match(await failureOf(() => buildNumber(build, {}, now)), { code: 'USAGE_INVALID' }, JSON.stringify(build));
  t.equal(buildNumber('17', { BUILD_NUMBER: '18' }, now), '17');
  t.equal(buildNumber(undefined, { BUILD_NUMBER: '18' }, now), '18');
  t.match(buildNumber(undefined, {}, now), /^h[a-z0-9]+$/, 'one from the clock for a build by hand');
});

t.test('tags are filled in, and refused when they cannot be', async (t) => {
  t.same(releaseTags(['latest', '{revision}', '{build}-{date}', 'b-{branch}', 'latest'], source, '17', now), [
    'latest',
    '0123456789ab',
    '17-20260304',
    'b-feature-new-shop',
  ]);
  const bad: [string, string, RegExp][] = [
    ['{version}', 'USAGE_INVALID', /'\{version\}' in '\{version\}' is not known/],
    ['{constructor}', 'USAGE_INVALID', /is not known/],
    ['a b', 'IMAGE_INVALID', /not a legal tag/],
    ['{', 'IMAGE_INVALID', /not a legal tag/],
    ['', 'IMAGE_INVALID', /not a legal tag/],
  ];
  for (const [tag, code, message] of bad)
    t.match(await failureOf(() => releaseTags([tag], source, '1', now)), { code, message }, tag);
  const nowhere = await failureOf(() => releaseTags(['{revision}'], { dirty: false }, '1', now));
  t.match(nowhere, { code: 'USAGE_INVALID', remedy: /git checkout/ });
  t.equal(buildTag(source, '17'), '0123456789ab');
  t.equal(buildTag({ ...source, dirty: true }, '17'), 'build-17');
  t.equal(buildTag({ dirty: false }, '17'), 'build-17');
});

t.test('no password of a URL is kept', async (t) => {
  const table: [string, string][] = [
    ['https://me:secret@host/x.git', 'https://host/x.git'],
    ['https://me:se@cret@host/x.git', 'https://host/x.git'],
    ['https://token@host:8443/x@y.git', 'https://host:8443/x@y.git'],
    ['git+ssh://me:secret@host/x', 'git+ssh://host/x'],
    ['git@host:team/x.git', 'git@host:team/x.git'],
    ['https://host/x?a=b@c', 'https://host/x?a=b@c'],
    ['/srv/git/x@y', '/srv/git/x@y'],
  ];
  for (const [url, expected] of table) t.equal(withoutCredentials(url), expected);
  const word = fc
    .string({ minLength: 3 })

    .map((text) => `pw${encodeURIComponent(text)}`);
  await holds(
    t,
    fc.property(word, (word) => !withoutCredentials(`https://u:${word}@host/x.git`).includes(word)),
  );
});

t.test('what git knows is read; outside of a checkout there is nothing', async (t) => {
  const folder = t.testdir({ file: 'x' });
  const context = testContext({ env: { HOME: folder, GIT_CEILING_DIRECTORIES: path.dirname(folder) } });
  t.same(await readSource(folder, context), { dirty: false });
  const git = async (...args: string[]) => {
    const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@localhost'];
    const ended = await run('git', ['-C', folder, ...identity, ...args], { env: context.env });
    t.equal(ended.code, 0, ended.stderr);
  };
  await git('init', '-q', '-b', 'main');
  t.same(await readSource(folder, context), { dirty: false }, 'no commit yet');
  await git('add', 'file');
  await git('commit', '-q', '-m', 'x');
  await git('remote', 'add', 'origin', 'https://me:secret@host/x.git');
  t.match(await readSource(folder, context), {
    revision: /^[0-9a-f]{40}$/,
    branch: 'main',
    url: 'https://host/x.git',
    dirty: false,
  });
  await git('rm', '-q', 'file');
  const jenkins = { ...context, env: { ...context.env, GIT_BRANCH: 'origin/release/1' } };
  t.match(await readSource(folder, jenkins), { branch: 'release/1', dirty: true });
  const none = testContext({ env: { PATH: '/nowhere' } });
  t.same(await readSource(folder, none), { dirty: false }, 'git is not there');
  const labels = ociLabels(await readSource(folder, context), 'shop', '1');
  t.match(labels, {
    'org.opencontainers.image.title': 'shop',
    'org.opencontainers.image.source': 'https://host/x.git',
  });
});

const report = (): PipelineReport => ({
  service: 'shop',
  build: '17',
  verdict: 'done',
  stages: [],
  tests: [],
  seconds: 12.34,
});

t.test('a report tells the stage that failed, why, and what to do', async (t) => {
  const context = testContext();
  const begun = report();
  await stage(begun, 'build', context, async () => context.clock.sleep(1500));
  skip(begun, 'unit');
  const error = new HomeostatError('TEST_FAILED', 'the functional test is red', {
    cause: 'exit code 1',
    evidence: ['ok 1', 'not ok 2 - cart', 'done'],
  });
  await t.rejects(
    stage(begun, 'candidate', context, () => Promise.reject(error)),
    error,
  );
  const failed = failedReport(begun, error).report;
  t.match(
    renderReport(failed),
    [
      'shop build 17: failed in 12.3 s',
      '  ✔ build      1.5 s',
      '  – unit       nothing to do',
      '  ✘ candidate  0.0 s',
      '  failed     in candidate: the functional test is red',
      '  cause      exit code 1',
      '  evidence   not ok 2 - cart',
      `  remedy     ${error.remedy}`,
    ].join('\n'),
  );
  t.equal(keyLine([]), undefined);
  t.equal(keyLine(['a', 'b']), 'b');
});

t.test('a report on disk holds no secret and stays JSON', async (t) => {
  const folder = t.testdir();
  const context = testContext();
  for (const secret of ['opensesame', 'stages', 'error']) context.masker.add(secret);
  const error = new HomeostatError('INTERNAL', 'opensesame');
  await writeReport(failedReport(report(), error).report, folder, context);
  const read = (name: string) => readFileSync(path.join(folder, 'homeostat-reports', name), 'utf8');
  t.match(JSON.parse(read('pipeline.json')), { stages: [], error: { code: 'INTERNAL', message: '****' } });
  t.notMatch(read('pipeline.txt') + read('pipeline.json'), 'opensesame');
});
