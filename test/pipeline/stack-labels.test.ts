import path from 'node:path';
import t from 'tap';
import { lintLabels } from '../../runner/pipeline/lint-labels';
import { labelledServices, readStackLabels, stackOf } from '../../runner/pipeline/stack-labels';
import { defaultLabelSettings } from '../../runner/labels/description';
import { failureOf, testContext } from '../common/support';

const fixtures = path.join(__dirname, '../fixtures/labels');
const fixture = (name: string, env = {}) => labelledServices([`${name}.yml`], testContext({ cwd: fixtures, env }));

/** What is told of one service with these labels, as YAML. */
async function told(t: { testdir(files: Record<string, string>): string }, deploy: string, env = {}) {
  const cwd = t.testdir({ 'shop.yml': `services:\n  web:\n    image: x\n    deploy:\n      labels:\n${deploy}` });
  const { services, problems } = await readStackLabels(['shop.yml'], 'com.df.', testContext({ cwd, env }));
  return { labels: services[0]!.labels, problems: [...problems, ...services[0]!.problems] };
}

t.test('all files that cannot be read are told at once, with the place', async (t) => {
  const cwd = t.testdir({
    'a.yml': 'services:\n  web:\n    image: "x\n\tdeploy: {}\n',
    'b.yml': 'version: "3"\n',
    'c.yml': 'web:\n  image: x\n',
    'd.yml': 'services: {web: *gone}',
    'good.yml': 'services: {web: {image: x}}',
  });
  const files = ['a.yml', 'b.yml', 'gone.yml', 'c.yml', 'd.yml', 'good.yml', 'folder/'];
  const context = testContext({ cwd });
  const { services, problems } = await readStackLabels(files, 'com.df.', context);
  t.match(services, [{ name: 'good_web' }]);
  const of = (file: string) => problems.filter((each) => each.file === file);
  t.match(of('a.yml')[0], { line: Number, column: Number, message: /is not valid YAML: / });
  t.match(of('b.yml'), [{ message: /has no services/ }]);
  t.match(of('gone.yml'), [{ message: 'cannot be read: there is no such file' }]);
  t.match(of('c.yml'), [{ message: /has no services/ }]);
  t.match(of('d.yml'), [{ line: 1, column: 17, message: /is not valid YAML: / }]);
  t.match(of('folder/'), [{ message: /cannot be read/ }]);
  t.equal(problems.filter(({ severity }) => severity !== 'error').length, 0);
  const error = await failureOf(() => labelledServices(files, context));
  t.match(error, { code: 'STACK_MISSING', exit: 2 });
  t.equal(error.evidence.length, problems.length);
  t.match(await failureOf(() => labelledServices(['d.yml'], context)), {
    code: 'STACK_INVALID',
    evidence: [/^d\.yml:1:17 is not valid YAML/],
  });
});

t.test('broken forms of labels are told with their line', async (t) => {
  const lines = (text: string) =>
    text
      .split('\n')
      .map((line) => `        ${line}`)
      .join('\n');
  const first = async (text: string) => (await told(t, lines(text))).problems;
  t.match(await first('- com.df.port: 80'), [
    {
      severity: 'error',
      file: 'shop.yml',
      line: 6,
      message: "item 1 of deploy.labels is no text: write NAME=VALUE, here 'com.df.port=…'",
    },
  ]);
  t.match(await first('- com.df.notify=true\n- 8080\n- [a]\n- ~'), [{ line: 7 }, { line: 8 }, { line: 9 }]);
  t.match(await first('- com.df.httpsOnly'), [
    { severity: 'warning', line: 6, message: /has no '=', so its value is empty/ },
  ]);
  t.match(await first('- com.df.port=1\n- com.df.port=2'), [
    { severity: 'warning', line: 7, message: /is there twice/ },
  ]);
  t.match(await first('com.df.notify: "true"\ncom.df.port: [80]'), [
    { severity: 'error', line: 7, message: 'com.df.port is no text' },
  ]);
  t.match(await first('text'), [{ severity: 'error', message: 'deploy.labels is neither a list nor a map' }]);
  t.same(await first('- other\n- other'), [], 'what is not ours is not our concern');
  t.same(await first('~'), []);
});

t.test('texts, numbers, booleans and empty values read as the docker client reads them', async (t) => {
  const { labels, problems } = await told(
    t,
    '        {a: 8080, b: true, c: ~, d: "", e: 0.8, f: yes, g: 12:30, h: 0440, i: "a=b"}',
  );
  t.same(problems, []);
  t.match(labels, { a: '8080', b: 'true', c: '', d: '', e: '0.8', f: 'yes', g: '12:30', h: '288', i: 'a=b' });
  const list = await told(t, '        - a=b=c\n        - " b= x "\n        - c=\n');
  t.match(list.labels, { a: 'b=c', ' b': ' x ', c: '' });
});

t.test('variables are filled in before anything is cut; those without value are told and count as empty', async (t) => {
  const labels =
    '        - com.df.reqPathSearchReplace=${FROM:-/a/},${TO:-/b/}\n        - com.df.alertIf=x{c=~"5..$$"}\n';
  t.match((await told(t, labels, { TO: '/c/' })).labels, {
    'com.df.reqPathSearchReplace': '/a/,/c/',
    'com.df.alertIf': 'x{c=~"5..$"}',
  });
  const { labels: empty, problems } = await told(
    t,
    '        - com.df.serviceDomain=${DOMAIN}\n        - com.df.port=80\n',
  );
  t.match(empty, { 'com.df.serviceDomain': '' });
  t.match(problems, [
    { severity: 'warning', line: 6, message: /com\.df\.serviceDomain uses the variable DOMAIN, which has no value/ },
  ]);
  t.match((await told(t, '        com.df.alertIf: x{c=~"5..$"}\n')).problems, [
    { severity: 'error', line: 6, message: /a \$ that the docker client refuses: write \$\$/ },
  ]);
});

t.test('labels of the container are told, unless the service has them too', async (t) => {
  const cwd = t.testdir({
    'shop.yml': `services:
  web:
    labels: [com.df.notify=true, com.df.port=80, other=x]
    deploy:
      labels: [com.df.port=80]
  old:
    labels:
      com.df.servicePath: /old
`,
  });
  const services = await labelledServices(['shop.yml'], testContext({ cwd }));
  t.match(services[0]!.problems, [
    { severity: 'warning', line: 3, label: 'com.df.notify', message: /a label of the container, which nobody reads/ },
  ]);
  t.equal(services[0]!.problems.length, 1);
  t.match(services[1], {
    problems: [{ line: 8, label: 'com.df.servicePath' }],
    labels: { 'com.docker.stack.namespace': 'shop' },
    containerLabels: { 'com.df.servicePath': '/old' },
  });
});

t.test('a stack has the name of its file, or of the folder where the file is called as all are', async (t) => {
  t.equal(stackOf('/x/shop.yml'), 'shop');
  t.equal(stackOf('/x/My Shop.prod.yaml'), 'my-shop-prod');
  for (const name of ['stack.yml', 'docker-compose.yml', 'docker-stack.yaml', 'compose.yml'])
    t.equal(stackOf(`/x/shop/${name}`), 'shop', name);
  t.equal(stackOf('/stack.yml'), 'stack');
});

t.test('a file that cannot be deployed any more still says what its labels are', async (t) => {
  const [web, worker] = await fixture('old-compose');
  t.match(web?.containerLabels, { 'com.df.servicePath': '/web' });
  t.match(worker?.labels, { 'com.df.alertName': 'memory' });
});

t.test('what the proxy needs to know beside the labels', async (t) => {
  const [main, db] = await fixture('bookshop');
  t.match(main, {
    name: 'bookshop_main',
    stack: 'bookshop',
    service: 'main',
    line: 6,
    replicas: 3,
    networks: ['proxy', 'bookshop_default'],
    update: { parallelism: 1, startFirst: false },
    lines: { 'com.df.port': 22 },
    labels: { 'com.df.servicePath': '/bookshop', 'com.docker.stack.namespace': 'bookshop' },
  });
  t.match(db, { replicas: 1, networks: ['bookshop_default'] });
  const [wiki] = await fixture('wiki');
  t.match(wiki, { networks: ['public'], healthcheck: ['CMD-SHELL', 'curl -f http://localhost:3000/status || exit 1'] });
  t.equal(wiki?.replicas, undefined, 'a global service');
  const [api] = await fixture('modern');
  t.match(api?.update, { parallelism: 2, startFirst: true });
  const [, first, second] = await fixture('data');
  t.match(first?.lines['com.df.port'], 6, 'labels of an anchor have the line of the anchor');
  t.match(second?.lines, { 'com.df.port': 6, 'com.df.timeoutServer': 28 });
});

t.test('the labels that people write mean what they meant', async (t) => {
  const lint = async (name: string) => {
    const result = await lintLabels([`${name}.yml`], defaultLabelSettings, testContext({ cwd: fixtures }));
    t.equal(result.errors, 0, name);
    return Object.fromEntries(result.services.map(({ service, description }) => [service, description]));
  };
  t.match((await lint('bookshop')).main, {
    destinations: [{ index: 0, port: 8080, paths: ['/bookshop'] }],
    scrape: { port: 8080, network: 'monitor' },
    alerts: [{ name: 'mem_limit', condition: '@service_mem_limit:0.8', for: '30s' }],
    scale: { minimum: 2, maximum: 6 },
  });
  t.match((await lint('wiki')).wiki, {
    destinations: [
      {
        port: 3000,
        paths: ['/'],
        domains: [{ value: 'wiki.example.com' }, { match: 'suffix', value: '.wiki.example.com' }],
        httpsOnly: true,
        httpsRedirectCode: 301,
        timeouts: { server: 60_000 },
      },
    ],
    proxy: {
      headers: {
        request: { add: [{ name: 'X-Forwarded-Port' }, { name: 'X-Forwarded-Ssl', value: 'on', when: 'tls' }] },
        response: {
          set: [{ value: 'max-age=15768000; includeSubDomains' }, { name: 'X-Frame-Options', value: 'DENY' }],
        },
      },
    },
  });
  const { portal } = await lint('portal');
  t.match(
    portal!.destinations.map(({ index, port, httpsOnly }) => [index, port, httpsOnly]),
    [
      [1, 8080, true],
      [2, 8081, true],
      [3, 8082, true],
      [5, 8083, false],
    ],
  );
  t.match(portal!.alerts, [
    { name: 'errors', condition: /code=~"\^5\.\.\$"/, labels: {} },
    { name: 'slow', labels: { severity: 'high' }, annotations: { summary: 'Answers are slow, look at the database' } },
  ]);
  const { 'node-exporter': exporter } = await lint('exporters');
  t.match(exporter, { destinations: [], scrape: { port: 9100 }, others: { metricType: 'node', env: 'prod' } });
  t.same(
    exporter!.alerts.map((alert) => alert.for),
    ['1m', '1m'],
  );
  const data = await lint('data');
  t.match(data['db-2']!.destinations, [{ mode: 'tcp', group: 'database', balanceGroup: 'leastconn', checkTcp: true }]);
  t.match(data.mail!.destinations, [
    { mode: 'sni', sourcePort: 443, domains: [{ match: 'regex', value: '^(mail\\.)' }] },
  ]);
  const { admin } = await lint('admin');
  t.match(admin, {
    destinations: [{ ignoreAuthorization: false, deniedMethods: ['TRACE'] }, { ignoreAuthorization: true }],
    proxy: {
      sticky: true,
      connectionMode: 'httpclose',
      users: [{ name: 'alice', password: '***' }],
      userNames: ['bob'],
    },
    certificate: { hosts: ['admin.example.com'] },
  });
  t.match((await lint('modern')).api, {
    destinations: [{ protocol: 'h2', weight: 90 }],
    proxy: { checkPath: '/healthz' },
  });
});
