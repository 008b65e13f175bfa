import fc from 'fast-check';
import t from 'tap';
import { resultOf } from '../../runner/jobs/execute';
import { colourOf, discardable, resolveBuild } from '../../runner/jobs/builds';
import { chooseParameters, parseDelay } from '../../runner/jobs/parameters';
import { chooseNext, findTwin, fold } from '../../runner/jobs/queue';
import { branchMatches, isBranchName, repositoryKey } from '../../runner/common/repository';
import { allows, parseRights } from '../../runner/jobs/rights';
import type { QueueItem, Result } from '../../runner/jobs/model';

const item = (more: Partial<QueueItem>): QueueItem => ({
  id: 1,
  job: 'a',
  parameters: {},
  causes: [],
  since: 0,
  due: 0,
  ...more,
});

t.test('what starts next', async (t) => {
  const items = fc.array(fc.record({ id: fc.nat(1000), job: fc.constantFrom('a', 'b', 'c', 'd'), due: fc.nat(100) }), {
    maxLength: 30,
  });
  const busy = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 3 });
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(items, busy, fc.integer({ min: 1, max: 5 }), fc.nat(100), (waiting, busyJobs, executors, now) => {
        const { start, wakeAt } = chooseNext(waiting, new Set(busyJobs), executors, now);
        const jobs = start.map(({ job }) => job);
        if (new Set(jobs).size !== jobs.length || jobs.some((job) => busyJobs.includes(job)))
          throw new Error('two of a job');
        if (busyJobs.length + start.length > Math.max(executors, busyJobs.length)) throw new Error('too many');
        if (start.some(({ due }) => due > now)) throw new Error('too early');
        const free = waiting.filter(({ job, due }) => due <= now && !busyJobs.includes(job) && !jobs.includes(job));
        if (free.length > 0 && busyJobs.length + start.length < executors) throw new Error('an executor idles');
        const later = waiting.filter(({ due }) => due > now).map(({ due }) => due);
        if (wakeAt !== (later.length > 0 ? Math.min(...later) : undefined)) throw new Error('wrong alarm');
      }),
    ),
  );
});

t.test('what folds into what', async (t) => {
  const waiting = [
    item({ id: 1, parameters: { x: '1', y: '2' } }),
    item({ id: 2, revision: { branch: 'main', onlyIfNew: true } }),
  ];
  t.equal(findTwin(waiting, { job: 'a', parameters: { y: '2', x: '1' } })?.id, 1, 'as sets');
  t.equal(findTwin(waiting, { job: 'b', parameters: { x: '1', y: '2' } }), undefined);
  t.equal(findTwin(waiting, { job: 'a', parameters: { x: '1' } }), undefined);
  t.equal(findTwin(waiting, { job: 'a', parameters: {}, revision: { branch: 'main' } })?.id, 2);
  t.equal(findTwin(waiting, { job: 'a', parameters: {}, revision: { branch: 'dev' } }), undefined);
  t.equal(findTwin(waiting, { job: 'a', parameters: {}, revision: { branch: 'main', commit: 'c' } }), undefined);
  const folded = fold(waiting[1]!, { kind: 'user', user: 'x' }, 5, { branch: 'main' });
  t.equal(folded.revision?.onlyIfNew, false, 'one who wants it built in any case gets it');
  const twice = fold(item({ causes: [{ kind: 'scm' }], due: 9 }), { kind: 'scm' }, 5, undefined);
  t.same([twice.causes, twice.due], [[{ kind: 'scm' }], 5], 'no repeats, the earlier time');
});

t.test('builds that are kept', async (t) => {
  const builds = fc
    .array(
      fc.record({
        result: fc.constantFrom<(Result | undefined)[]>('SUCCESS', 'FAILURE', 'ABORTED', undefined),
        age: fc.nat(20),
      }),
      { maxLength: 30 },
    )
    .map((list) =>
      list.map(({ result, age }, index) => ({
        number: index + 1,
        started: -age * 86_400_000,
        ...(result ? { result } : {}),
      })),
    );
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(builds, fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }), (all, count, days) => {
        const gone = new Set(discardable(all, { builds: count, days }, 0));
        if (all.some((build) => gone.has(build) && !('result' in build))) throw new Error('one that runs is gone');
        if (all.length > 0 && gone.has(all.at(-1)!)) throw new Error('the newest is gone');
        const good = resolveBuild(all, 'lastSuccessfulBuild');
        if (good && gone.has(good)) throw new Error('the last good one is gone');
        const kept = all.filter((build) => !gone.has(build) && 'result' in build && build !== good);
        if (kept.slice(0, -1).some((build) => build.started < -days * 86_400_000)) throw new Error('an old one stays');
        if (kept.length > count) throw new Error('too many stay');
      }),
    ),
  );
});

t.test('names of builds and colours', async (t) => {
  const builds = [
    { number: 3, result: 'SUCCESS' as const, started: 0 },
    { number: 5, started: 0 },
  ];
  t.equal(resolveBuild(builds, '5')?.number, 5);
  t.equal(resolveBuild(builds, '4'), undefined);
  t.equal(resolveBuild(builds, 'lastCompletedBuild')?.number, 3);
  t.same([colourOf([]), colourOf(builds), colourOf(builds.slice(0, 1))], ['notbuilt', 'blue_anime', 'blue']);
});

t.test('exit codes', async (t) => {
  const result = (code: number | null, signal: NodeJS.Signals | null = null) => resultOf({ code, signal });
  t.same(
    [0, 1, 3, 8, 143].map((code) => result(code)),
    ['SUCCESS', 'FAILURE', 'FAILURE', 'FAILURE', 'ABORTED'],
  );
  t.same([result(null, 'SIGTERM'), result(null, 'SIGKILL')], ['ABORTED', 'FAILURE']);
});

t.test('URL forms of one repository', async (t) => {
  const forms = [
    'https://git.example/team/shop',
    'https://git.example/team/shop.git',
    'https://git.example/team/shop.git/',
    'http://u@GIT.example:3000/team/shop/',
    'ssh://git@git.example:22/team/shop.git',
    'git@git.example:team/shop.git',
    'git@git.example:/team/shop',
  ];
  t.equal(new Set(forms.map(repositoryKey)).size, 1);
  const others = [
    'https://git.example/team/shop2',
    'https://git.example/Team/shop',
    'https://git2.example/team/shop',
    'https://git.example/team',
    'file:///team/shop.git',
  ];
  t.equal(new Set([...forms, ...others].map(repositoryKey)).size, 1 + others.length);
  t.doesNotThrow(() => fc.assert(fc.property(fc.string(), (text) => typeof repositoryKey(text) === 'string')));
});

t.test('branches and patterns', async (t) => {
  t.ok(branchMatches('release/1/x', ['main', 'release/*']));
  for (const [branch, pattern] of [
    ['mainx', 'main'],
    ['xmain', 'main'],
    ['release', 'release/*'],
    ['aXb', 'a.b'],
    ['a', '[a]'],
  ] as const)
    t.notOk(branchMatches(branch, [pattern]), `${branch} is not ${pattern}`);
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.string(), (name) => !isBranchName(name) || (!name.startsWith('-') && !/[\s~^:?*[\\]/.test(name))),
    ),
  );
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(
        fc.string(),
        (name) => branchMatches(name.replaceAll('*', ''), [name.replaceAll('*', '')]) || name.includes('\n'),
      ),
    ),
  );
});

t.test('parameters', async (t) => {
  const declared = new Map([
    ['a', { default: '1', description: '' }],
    ['b', { default: 'x', description: '', choices: ['x', 'y'] }],
  ]);
  const choose = (text: string) => chooseParameters(declared, new URLSearchParams(text));
  t.same(choose('b=y&c=3'), { values: { a: '1', b: 'y' } });
  t.match(choose('b=z'), { problem: /must be one of: x, y/ });
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const chosen = choose(new URLSearchParams({ a: value }).toString());
        return value.includes('\0') ? 'problem' in chosen : 'values' in chosen && chosen.values.a === value;
      }),
    ),
  );
  t.same(['0sec', '5sec', '7secs', '3', '', '-1sec', '1e3sec', '5min', '999999999sec'].map(parseDelay), [
    0,
    5000,
    7000,
    3000,
    ...Array<undefined>(5).fill(undefined),
  ]);
});

t.test('rights', async (t) => {
  const rights = parseRights('service-scale:build+stop, *:read');
  t.ok(allows(rights, 'service-scale', 'stop'));
  t.ok(allows(rights, 'x', 'read'));
  t.notOk(allows(rights, 'x', 'build'));
  t.notOk(allows(parseRights('a:build'), 'b', 'read'));
  for (const list of ['', 'a', 'a:', 'a:builds', 'a:read:b', '../x:read', '*:read,'])
    t.throws(() => parseRights(list), { code: 'USAGE_INVALID' }, list);
  t.throws(() => parseRights('a:biuld'), /did you mean 'build'/);
  for (const name of ['constructor', '__proto__', 'toString']) t.notOk(allows(rights, name, 'build'), name);
});
