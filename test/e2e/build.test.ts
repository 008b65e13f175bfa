import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import t, { type Test } from 'tap';
import { sharedLab, uniqueName, type Lab } from '../lab';
import { proxyEngine } from './engine-proxy';
import { Project, until } from './support';

const from = 'FROM homeostat-lab/busybox:latest\n';

/** A folder in git with a Dockerfile, and its image gone at the end. */
async function buildProject(
  t: Test,
  dockerfile: string,
  config: (image: string) => string = () => '',
): Promise<{ lab: Lab; project: Project; image: string }> {
  const lab = await sharedLab(t);
  await lab.image('busybox');
  const name = uniqueName('build');
  const image = `${lab.openRegistry.address}/tests/${name}`;
  const project = new Project(lab, name, image);
  t.teardown(async () => {
    await lab.docker(1, 'image', 'rm', '--force', `${image}:1`, `${image}:2`).catch(() => '');
    await project.remove();
  });
  project.write({ Dockerfile: dockerfile, 'homeostat.yml': `name: ${name}\nimage: ${image}\n${config(image)}` });
  project.commit();
  return { lab, project, image };
}

const exists = (lab: Lab, image: string) =>
  lab
    .engine()
    .getImage(image)
    .inspect()
    .then(
      () => true,
      () => false,
    );

const show = (lab: Lab, image: string, file: string) => lab.docker(1, 'run', '--rm', image, 'cat', file);

t.test('BuildKit with arguments, target, labels and secrets by name', async (t) => {
  const dockerfile = `${from}
ARG COLOUR=none
ARG SHAPE=none
RUN echo "$COLOUR $SHAPE" >/colour
FROM ${'homeostat-lab/busybox:latest'} AS tools
COPY --from=0 /colour /colour
COPY . /all
RUN --mount=type=secret,id=npm --mount=type=secret,id=key cat /run/secrets/npm /run/secrets/key && base64 /run/secrets/npm && wc -c </run/secrets/npm >/length
FROM tools AS last
RUN false
`;
  const { lab, project, image } = await buildProject(
    t,
    dockerfile,
    () => `build:
  target: tools
  args: {COLOUR: green, SHAPE: round}
  secrets: {npm: 'env:NPM_VALUE', key: 'file:secret/key'}
`,
  );
  project.write({
    '.dockerignore': 'secret\n*.log\n!keep.log\n',
    'secret/key': 'file-secret-sesame',
    'a.log': 'left out',
    'keep.log': 'kept',
    'src/code': 'code',
  });
  project.git('remote', 'add', 'origin', 'https://robot:hunter2@git.example.com/shop.git');
  const revision = project.commit();
  const secret = 'npm "secret" $PATH 7c9d';
  const built = await project.run(['build', '--tag', '1', '--build-arg', 'SHAPE=square'], { NPM_VALUE: secret });
  t.equal(built.code, 0, built.stderr);
  t.match(built.result, { image: `${image}:1`, builder: 'buildkit', id: /^sha256:[0-9a-f]{64}$/ });

  const inspected = await lab.engine().getImage(`${image}:1`).inspect();
  t.equal(inspected.Id, built.result.id, 'the id is that of the Engine');
  t.match(inspected.Config.Labels, {
    'org.opencontainers.image.revision': revision,
    'org.opencontainers.image.source': 'https://git.example.com/shop.git',
    'org.opencontainers.image.created': /^\d{4}-\d\d-\d\dT/,
    'org.opencontainers.image.title': project.name,
  });
  t.equal(await show(lab, `${image}:1`, '/colour'), 'green square', 'an option wins over homeostat.yml');
  t.equal(await show(lab, `${image}:1`, '/length'), String(Buffer.byteLength(secret)));
  t.equal(
    await lab.docker(
      1,
      'run',
      '--rm',
      `${image}:1`,
      'sh',
      '-c',
      'cd /all && find . -type f | grep -v .git/ | sort | tr "\\n" " "',
    ),
    './.dockerignore ./Dockerfile ./homeostat.yml ./keep.log ./src/code',
  );

  const told = [
    built.stderr,
    built.stdout,
    JSON.stringify(built.result),
    JSON.stringify(inspected),
    await lab.docker(1, 'history', '--no-trunc', `${image}:1`),
  ].join('\n');
  t.match(built.stderr, /\*\*\*\*/, 'a step that prints a secret is masked');
  for (const hidden of [secret, Buffer.from(secret).toString('base64'), 'file-secret-sesame', 'hunter2'])
    t.notMatch(told, hidden);

  const again = await project.run(['build', '--tag', '2', '--build-arg', 'SHAPE=square'], { NPM_VALUE: secret });
  t.equal(again.code, 0, again.stderr);
  t.equal(again.result.id, built.result.id, 'the same commit gives the same image');
  t.match(again.stderr, /#\d+ cached/);
});

t.test('a failing step is named, with its last lines', async (t) => {
  const { lab, project, image } = await buildProject(
    t,
    `${from}RUN echo before\nRUN seq 1 40 && sleep 0.5 && echo the compiler found no main >&2 && exit 3\nRUN echo never\n`,
  );
  for (const builder of ['auto', 'classic']) {
    project.write({ 'homeostat.yml': `name: x\nimage: ${image}\nbuild: {builder: ${builder}}\n` });
    const built = await project.run(['build', '--tag', '1', '--no-cache']);
    t.equal(built.code, 1, built.stderr);
    t.match(built.result.error, { code: 'BUILD_FAILED', exitCode: 1, cause: /3/ });
    t.match(JSON.stringify(built.result.error), /seq 1 40/, `${builder}: the step is named`);
    t.equal(built.result.error.evidence.at(-1), 'the compiler found no main');
    t.ok(built.result.error.evidence.length <= 15);
    t.notMatch(built.stderr, /INTERNAL|    at |\u001b/); // eslint-disable-line no-control-regex
  }
  t.notOk(await exists(lab, `${image}:1`));
});

t.test('what is missing is named, and nothing is built', async (t) => {
  const { lab, project, image } = await buildProject(t, `${from}RUN true\n`);
  const cases: [string[], number, RegExp][] = [
    [['--dockerfile', 'other/Dockerfile'], 2, /CONFIG_INVALID: build\.dockerfile 'other\/Dockerfile' does not exist/],
    [['--context', 'nowhere'], 2, /CONFIG_INVALID: build\.context 'nowhere' is not a folder/],
    [['--context', 'Dockerfile'], 2, /CONFIG_INVALID: build\.context 'Dockerfile' is not a folder/],
    [['--secret', 'npm=env:NOT_SET_ANYWHERE'], 2, /SECRET_MISSING: build\.secrets\.npm.*NOT_SET_ANYWHERE/],
    [['--secret', 'npm=file:nowhere'], 2, /SECRET_MISSING: build\.secrets\.npm: the file nowhere/],
    [['--secret', 'npm=hunter2'], 2, /USAGE_INVALID/],
    [['--target', 'nowhere'], 1, /BUILD_FAILED[^]*nowhere/],
    [['--config', 'nowhere.yml'], 2, /CONFIG_MISSING: there is no nowhere\.yml/],
  ];
  for (const [args, code, message] of cases) {
    const built = await project.run(['build', '--tag', '1', ...args]);
    t.equal(built.code, code, `${args.join(' ')}: ${built.stderr}`);
    t.match(built.stderr, message);
    t.equal(built.stderr.match(/^error /gm)?.length, 1, 'one error');
  }
  t.notOk(await exists(lab, `${image}:1`));
});

t.test('texts from outside are refused or taken literally; nothing of them is executed', async (t) => {
  const { lab, project, image } = await buildProject(t, `${from}ARG TEXT\nENV TEXT=$TEXT\n`);
  const trap = path.join(project.folder, 'executed');
  const texts = [
    `it's "quoted" \`touch ${trap}\` $(touch ${trap}); touch ${trap}`,
    '-x --help',
    'a=b=c',
    'x'.repeat(300),
  ];
  for (const builder of ['buildkit', 'classic']) {
    project.write({ 'homeostat.yml': `name: x\nimage: ${image}\nbuild: {builder: ${builder}}\n` });
    for (const value of builder === 'classic' ? texts.slice(0, 1) : texts) {
      const built = await project.run(['build', '--tag', '1', '--build-arg', `TEXT=${value}`]);
      t.equal(built.code, 0, built.stderr);
      const { Config } = await lab.engine().getImage(`${image}:1`).inspect();
      t.ok(Config.Env.includes(`TEXT=${value}`), `${builder}: ${value.slice(0, 40)}`);
    }
  }
  project.write({ 'homeostat.yml': `name: x\nimage: ${image}\nbuild: {args: {TEXT: "two\\nlines"}}\n` });
  t.equal((await project.run(['build', '--tag', '1'])).code, 0);
  const { Config } = await lab.engine().getImage(`${image}:1`).inspect();
  t.ok(Config.Env.includes('TEXT=two\nlines'));

  const refused: string[][] = [
    ['--build-arg', 'TEXT=two\nlines'],
    ['--build-arg', 'TEXT'],
    ['--build-arg', '=x'],
    ['--tag=-x'],
    ['--tag', 'a b'],
    ['--tag', '$(id)'],
    ['--tag', 't'.repeat(129)],
    ['--image', `shop"$(touch ${trap})`],
    ['--image=-shop'],
    ['--image', 's'.repeat(300)],
    ['--image', 'shop\n'],
    ['--dockerfile=$(id)'],
    ['--dockerfile', '-'],
    ['--context', `$(touch ${trap})`],
    ['--build', '../../x'],
    ['--no-such-option'],
    ['surplus'],
  ];
  const ended = await Promise.all(
    refused.map((args) =>
      project.run([
        'build',
        ...(args.some((arg) => arg.startsWith('--tag') || arg === '--build') ? [] : ['--tag', '2']),
        ...args,
      ]),
    ),
  );
  ended.forEach(({ code, stderr, result }, index) => {
    t.equal(code, 2, `${refused[index]!.join(' ').slice(0, 60)}: ${stderr}`);
    t.match(result.error, { code: /^(USAGE|IMAGE|CONFIG)_INVALID$/, exitCode: 2 });
  });
  t.notOk(existsSync(trap));
});

t.test('--dry-run changes nothing', async (t) => {
  const { lab, project, image } = await buildProject(
    t,
    `${from}RUN true\n`,
    () => 'build: {secrets: {npm: "env:NPM"}}\n',
  );
  const built = await project.run(['build', '--tag', '1', '--dry-run', '--json'], {
    NPM: 'not-to-be-shown',
    DOCKER_HOST: 'unix:///nowhere',
  });
  t.equal(built.code, 0, built.stderr);
  t.match(JSON.parse(built.stdout), { plan: { image: `${image}:1`, secrets: { npm: 'env:NPM' }, labels: {} } });
  t.notMatch(built.stdout + built.stderr, /not-to-be-shown/);
  t.notOk(await exists(lab, `${image}:1`));
});

t.test('the classic builder, asked for or fallen back to', async (t) => {
  const { lab, project, image } = await buildProject(
    t,
    `${from}ARG COLOUR\nRUN echo $COLOUR >/colour\nLABEL last=yes\n`,
  );
  project.write({ 'homeostat.yml': `name: x\nimage: ${image}\nbuild: {builder: classic, args: {COLOUR: red}}\n` });
  const classic = await project.run(['build', '--tag', '1']);
  t.equal(classic.code, 0, classic.stderr);
  t.match(classic.result, { builder: 'classic', id: /^sha256:/ });
  t.match(classic.stderr, /#3 RUN echo/);
  t.equal(await show(lab, `${image}:1`, '/colour'), 'red');

  const old = await proxyEngine(t, lab.socket(), {
    request: (url, response) =>
      url.includes('/session') && Boolean(response.writeHead(404).end('{"message":"page not found"}')),
  });
  project.write({ 'homeostat.yml': `name: x\nimage: ${image}\nbuild: {args: {COLOUR: blue}}\n` });
  const fallen = await project.run(['build', '--tag', '2'], { DOCKER_HOST: old });
  t.equal(fallen.code, 0, fallen.stderr);
  t.equal(fallen.result.builder, 'classic');
  t.match(fallen.stderr, /warning: BuildKit cannot be had.*classic builder/);
  t.equal(await show(lab, `${image}:2`, '/colour'), 'blue');

  for (const setting of ['builder: buildkit', 'secrets: {npm: "env:PATH"}']) {
    project.write({ 'homeostat.yml': `name: x\nimage: ${image}\nbuild: {${setting}}\n` });
    const refused = await project.run(['build', '--tag', '2'], { DOCKER_HOST: old });
    t.equal(refused.code, 1, refused.stderr);
    t.match(refused.stderr, /BUILD_FAILED: BuildKit cannot be had on this Engine/);
  }

  project.write({
    Dockerfile: `${from}RUN --mount=type=secret,id=npm cat /run/secrets/npm\n`,
    'homeostat.yml': `name: x\nimage: ${image}\nbuild: {builder: classic, secrets: {npm: "env:PATH"}}\n`,
  });
  const secret = await project.run(['build', '--tag', '2']);
  t.not(secret.code, 0);
  t.match(secret.stderr, /BuildKit/i, 'the classic builder has no secrets, and says so');
});

t.test('an Engine whose answer is cut, wrong or an error', async (t) => {
  const { lab, project, image } = await buildProject(t, `${from}RUN echo begun && sleep 3 && echo done\n`);
  const isBuild = (url: string) => /\/build\?/.test(url);
  const cut = await proxyEngine(t, lab.socket(), {
    answer: (url, _piece, response) => isBuild(url) && Boolean(setTimeout(() => response.destroy(), 300)),
  });
  const ended = await proxyEngine(t, lab.socket(), {
    answer: (url, _piece, response) => isBuild(url) && Boolean(response.end()),
  });
  const fault = await proxyEngine(t, lab.socket(), {
    answer: (url, _piece, response) =>
      isBuild(url) && Boolean(response.end('{"errorDetail":{"message":"the builder is out of luck"},"error":"luck"}')),
  });
  const garbage = await proxyEngine(t, lab.socket(), {
    answer: (url, _piece, response) => isBuild(url) && Boolean(response.end('<html>a gateway of the company</html>\n')),
  });
  const busy = await proxyEngine(t, lab.socket(), {
    request: (url, response) => isBuild(url) && Boolean(response.writeHead(503).end('{"message":"too busy"}')),
  });
  const cases: [string, number, RegExp, RegExp][] = [
    [cut, 8, /^ENGINE_(FAILED|UNREACHABLE)$/, /build/],
    [ended, 8, /^ENGINE_FAILED$/, /cut/],
    [fault, 1, /^BUILD_FAILED$/, /the builder is out of luck/],
    [garbage, 8, /^ENGINE_FAILED$/, /not a JSON object[^]*a gateway of the company/],
    [busy, 8, /^ENGINE_FAILED$/, /too busy/],
  ];
  await Promise.all(
    cases.map(async ([host, code, name, words]) => {
      for (const builder of ['buildkit', 'classic']) {
        const other = `${builder}.yml`;
        project.write({ [other]: `name: x\nimage: ${image}\nbuild: {builder: ${builder}}\n` });
        const built = await project.run(['build', '--tag', '1', '--config', other, '--no-cache'], {
          DOCKER_HOST: host,
        });
        t.equal(built.code, code, `${builder}: ${built.stderr}`);
        t.match(built.result.error, { code: name, exitCode: code });
        t.match(built.stderr, words);
        t.equal(built.stderr.match(/^error /gm)?.length, 1, 'one error');
      }
    }),
  );
});

t.test('SIGTERM during a build ends it within five seconds, and its step on the Engine', async (t) => {
  const seconds = String(1000 + Math.floor(Math.random() * 8999));
  const { lab, project, image } = await buildProject(t, `${from}RUN echo begun && exec sleep ${seconds}\n`);
  const sleeping = async () => (await lab.exec(1, 'ps', '-eo', 'args')).includes(`sleep ${seconds}`);
  for (const builder of ['buildkit', 'classic']) {
    project.write({ 'homeostat.yml': `name: x\nimage: ${image}\nbuild: {builder: ${builder}}\n` });
    const build = project.start(['build', '--tag', '1', '--no-cache']);
    t.ok(await until(sleeping), 'the step runs');
    const start = performance.now();
    build.child.kill('SIGTERM');
    const ended = await build.ended;
    t.equal(ended.code, 143, ended.stderr);
    t.ok(performance.now() - start < 5000);
    t.match(ended.result.error, { code: 'STOPPED' });
    t.ok(await until(async () => !(await sleeping()), 10), `${builder}: nothing goes on`);
  }
  await rm(path.join(project.folder, 'homeostat.yml'));
});
