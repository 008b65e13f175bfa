import type { CommandJob, JenkinsSite, PipelineJob } from '../../runner/jenkins/model';

export const scaling: CommandJob = {
  kind: 'command',
  name: 'service-scale',
  description: 'Scales a service within its limits',
  command: 'scale',
  step: 'serviceScale',
  environment: { HOMEOSTAT_ALERTMANAGER: 'http://homeostat-alertmanager:9093' },
  parameters: { service: 'Name of the Swarm service', scale: 'up or down', by: '', id: '', at: '' },
};

export const pipelineJob = (name: string, more: Partial<PipelineJob> = {}): PipelineJob => ({
  kind: 'pipeline',
  name,
  description: `The service ${name}`,
  repository: `https://git.example.com/${name}.git`,
  branches: ['main'],
  script: 'Jenkinsfile',
  ...more,
});

/** The smallest Jenkins there is; `more` makes another one of it. */
export const siteOf = (more: Partial<JenkinsSite> = {}): JenkinsSite => ({
  url: 'https://jenkins.example.com/',
  adminAddress: 'ops@example.com',
  library: { repository: 'https://git.example.com/homeostat.git', version: 'v1.0.0' },
  agents: { name: 'agent', count: 1, label: 'docker', executors: 2 },
  jobs: [scaling],
  people: [{ name: 'admin', role: 'administer', secret: 'admin-password' }],
  git: [],
  registry: { address: 'registry.example.com', user: 'deployer', secret: 'registry-password' },
  keepBuilds: 50,
  timeoutMinutes: 60,
  knownHosts: [],
  ...more,
});

const keys = { id: 'git-keys', host: 'git.example.com', kind: 'key', user: 'git', secret: 'git-key' } as const;
const password = { id: 'forge', host: 'forge.example.com', kind: 'password', user: 'ci', secret: 'forge' } as const;

/** Ten different ones, by what is special about them. */
export const sites: Record<string, JenkinsSite> = {
  smallest: siteOf(),
  'no job at all': siteOf({ jobs: [] }),
  'no agent yet': siteOf({ agents: { name: 'agent', count: 0, label: 'docker', executors: 1 } }),
  'many agents': siteOf({ agents: { name: 'big', count: 12, label: 'docker-linux', executors: 4 } }),
  'roles everywhere': siteOf({
    people: [
      { name: 'root', role: 'administer', secret: 'root' },
      { name: 'dora', role: 'deploy', secret: 'dora.password' },
      { name: 'walter', role: 'watch', secret: 'WALTER_PASSWORD' },
    ],
  }),
  'roles at single jobs': siteOf({
    jobs: [scaling, pipelineJob('shop'), pipelineJob('blog', { branches: ['main', 'release/*'] })],
    people: [
      { name: 'admin', role: 'administer', secret: 'admin-password' },
      { name: 'ada', role: 'administer', jobs: ['shop'], secret: 'ada' },
      { name: 'dora', role: 'deploy', jobs: ['shop', 'blog'], secret: 'dora' },
      { name: 'walter', role: 'watch', jobs: ['service-scale'], secret: 'walter' },
      { name: 'nobody', role: 'deploy', jobs: [], secret: 'nobody' },
    ],
  }),
  'a library behind a key': siteOf({
    library: { repository: 'git@git.example.com:ops/homeostat.git', version: '0f'.repeat(20), credentials: 'git-keys' },
    git: [keys],
    jobs: [pipelineJob('shop', { repository: 'git@git.example.com:team/shop.git', credentials: 'git-keys' })],
  }),
  'two git servers, host keys known': siteOf({
    git: [keys, password],
    knownHosts: ['git.example.com ssh-ed25519 AAAAC3Nza', '[forge.example.com]:2222 ssh-rsa AAAAB3Nza'],
    jobs: [scaling, pipelineJob('shop', { credentials: 'forge', branches: ['*'] })],
  }),
  'a hundred repositories': siteOf({
    jobs: Array.from({ length: 100 }, (_, index) => pipelineJob(`service-${index}`)),
  }),
  'texts that mean something elsewhere': siteOf({
    adminAddress: 'Ops ${JENKINS_HOME} <ops@example.com>',
    agents: { name: 'no', count: 2, label: '!windows || "off" # x: y', executors: 1 },
    jobs: [
      pipelineJob('yes', { description: '^${PATH} ${a:-${b}} "quoted" \u2028 täglich 日本', script: "ci/it's.groovy" }),
    ],
    people: [{ name: '1e3', role: 'watch', secret: 'null' }],
  }),
};
