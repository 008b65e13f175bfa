import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { ended, rawClient, repositoryIn, startServer, temporaryFolder } from './support';

const yaml = (url: string) => `
webhooks: { githubSecretFile: github-secret, giteaSecretFile: gitea-secret }
jobs:
  shop:
    repository: ${url}
    environment: { RECORD: $RECORD }
`;

async function hookServer(test: Parameters<typeof startServer>[0]) {
  const folder = temporaryFolder(test);
  const repository = repositoryIn(folder);
  writeFileSync(path.join(folder, 'github-secret'), 'it is a secret\n');
  writeFileSync(path.join(folder, 'gitea-secret'), 'another one');
  const server = await startServer(test, yaml(repository.url), folder);
  return { server, repository, client: await server.client(), anonymous: rawClient(server.url) };
}

const payload = (url: string, more: object = {}) =>
  JSON.stringify(
    { ref: 'refs/heads/main', after: 'a'.repeat(40), repository: { clone_url: url, ssh_url: 'git@x:y.git' }, ...more },
    null,
    2,
  );

const sign = (body: string, secret: string) => createHmac('sha256', secret).update(body).digest('hex');

t.test('a signed push of GitHub builds the branch', async (t) => {
  const { server, repository, client, anonymous } = await hookServer(t);
  const post = (body: string, headers: Record<string, string> = {}) =>
    anonymous.post('github-webhook/', Buffer.from(body), {
      headers: {
        'content-type': 'application/json',
        'x-github-event': 'push',
        'x-hub-signature-256': `sha256=${sign(body, 'it is a secret')}`,
        ...headers,
      },
    });
  const body = payload(`${repository.url}/`);
  const answer = await post(body);
  t.same([answer.status, answer.headers.triggered], [200, `${server.url}job/shop/`]);
  const build = await ended(client, 'shop');
  t.match(build.actions, [{ causes: [{ shortDescription: 'Started by GitHub push' }] }, {}]);

  t.equal((await post(body, { 'x-github-event': 'ping' })).status, 200);
  t.match((await post(payload(repository.url, { deleted: true }))).data, /branch was deleted/);
  t.match((await post(payload(repository.url, { ref: 'refs/tags/v1' }))).data, /not to a branch/);
  t.match((await post(payload(repository.url, { ref: 'refs/heads/topic' }))).data, /No job builds the branch topic/);
  t.match((await post(payload('https://elsewhere.example/x'))).data, /No job/);
  t.equal((await post('{"ref":1}')).status, 400);
  t.equal((await post('null')).status, 400);
  t.equal((await post('no json')).status, 400);
  const form = `payload=${encodeURIComponent(body)}`;
  const asForm = await post(form, { 'content-type': 'application/x-www-form-urlencoded' });
  t.match(asForm.headers, { triggered: /shop/ }, 'the content type that GitHub proposes');

  t.equal(
    (await post(body, { 'x-hub-signature-256': `sha256=${sign(`${body} `, 'it is a secret')}` })).status,
    403,
    'another body',
  );
  t.equal((await post(body, { 'x-hub-signature-256': `sha256=${sign(body, 'guess')}` })).status, 403, 'another secret');
  for (const signature of ['', 'sha256=', 'sha1=abc', 'sha256=zz', `sha256=${'0'.repeat(64)}`])
    t.equal((await post(body, { 'x-hub-signature-256': signature })).status, 403, `'${signature}'`);
  t.equal(
    (await post(payload(repository.url, { padding: 'x'.repeat(2_000_000) }))).status,
    200,
    'two megabytes are fine',
  );
  t.equal(
    (await post(payload(repository.url, { padding: 'x'.repeat(5_000_000) }))).status,
    413,
    'more than five are not',
  );
  t.equal((await anonymous.get('github-webhook/')).status, 405);
});

t.test('a signed push of Gitea builds the branch', async (t) => {
  const { repository, client, anonymous } = await hookServer(t);
  const body = payload(repository.url);
  const post = (signature: string) =>
    anonymous.post('gitea-webhook/post', Buffer.from(body), {
      headers: { 'content-type': 'application/json', 'x-gitea-event': 'push', 'x-gitea-signature': signature },
    });
  t.equal((await post(sign(body, 'it is a secret'))).status, 403, 'the secret of GitHub');
  t.equal((await post(`sha256=${sign(body, 'another one')}`)).status, 403, 'the form of GitHub');
  t.equal((await post(sign(body, 'another one'))).status, 200);
  t.equal((await ended(client, 'shop')).result, 'SUCCESS');
});

t.test('webhooks without a secret are off', async (t) => {
  const server = await startServer(t, 'jobs: {}');
  for (const address of ['github-webhook/', 'gitea-webhook/post']) {
    const answer = await rawClient(server.url).post(address, '{}');
    t.same([answer.status, /are off/.test(String(answer.data))], [403, true], address);
  }
});
