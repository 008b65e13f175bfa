import t from 'tap';
import { siteProblems } from '../../runner/jenkins/configuration/site-problems';
import type { Person } from '../../runner/jenkins/model';
import { pipelineJob, siteOf, sites } from './sites';

const admin: Person = { name: 'admin', role: 'administer', secret: 'admin-password' };
const forge = { id: 'forge', host: 'forge.example.com', kind: 'password', user: 'ci', secret: 'forge' } as const;

t.test('a good site has none', async (t) => {
  for (const name of ['smallest', 'many agents', 'roles at single jobs', 'two git servers, host keys known'])
    t.same(siteProblems(sites[name]!), [], name);
});

t.test('each problem is told', async (t) => {
  for (const [site, problem] of [
    [siteOf({ people: [] }), 'nobody administers it'],
    [siteOf({ people: [{ ...admin, jobs: ['service-scale'] }] }), 'nobody administers it'],
    [siteOf({ people: [admin, { ...admin, name: 'Admin' }] }), 'there are two people named admin'],
    [
      siteOf({ people: [admin, { ...admin, name: 'Agent' }] }),
      'nobody can be named Agent: Jenkins or the system has a user of that name',
    ],
    [
      siteOf({ people: [admin, { ...admin, name: 'anonymous' }] }),
      'nobody can be named anonymous: Jenkins or the system has a user of that name',
    ],
    [
      siteOf({ people: [admin, { name: 'a', role: 'watch', jobs: ['shop'], secret: 'a' }] }),
      'a has rights at shop, which is no job',
    ],
    [siteOf({ people: [{ ...admin, secret: 'a}b' }] }), '"a}b" cannot be the name of a secret'],
    [siteOf({ git: [{ ...forge, secret: 'agent-token' }] }), '"agent-token" cannot be the name of a secret'],
    [siteOf({ git: [{ ...forge, id: 'registry' }] }), 'two credentials have the id registry'],
    [siteOf({ git: [forge, forge, forge] }), 'two credentials have the id forge'],
    [siteOf({ jobs: [pipelineJob('a', { credentials: 'gone' })] }), 'there are no credentials with the id gone'],
    [
      siteOf({ library: { repository: 'https://git.example.com/x.git', version: 'main', credentials: 'no' } }),
      'there are no credentials with the id no',
    ],
    [siteOf({ jobs: [pipelineJob('a'), pipelineJob('a')] }), 'there are two jobs named a'],
    [
      siteOf({ agents: { name: 'a', count: 1, label: 'docker linux', executors: 1 } }),
      '"docker linux" is not one label of agents',
    ],
  ] as const)
    t.same(siteProblems(site), [problem]);
});

t.test('all at once', async (t) => {
  t.equal(siteProblems(siteOf({ people: [], jobs: [pipelineJob('a'), pipelineJob('a')] })).length, 2);
});
