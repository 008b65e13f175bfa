import { readdirSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { HomeostatError } from '../../runner/common/errors';
import { ensureBaseImage, planBaseImage } from '../../runner/system/base-image';
import { debianRootfs } from '../../runner/system/debootstrap';
import { debianMirrors } from '../../runner/system/debian-mirror';
import { sharedLab, uniqueName, withLab } from '../lab';
import { realContext } from '../lab/context';

const cache = path.join(__dirname, '../../.cache/lab');

t.test('the plan does nothing when the image is there, and asks a registry first unless told not to', async (t) => {
  t.same(planBaseImage({}, true), { image: 'debian:trixie-slim', ways: [] });
  t.same(planBaseImage({}, false), { image: 'debian:trixie-slim', ways: ['pull', 'debootstrap'] });
  t.same(planBaseImage({ pull: false, image: 'a/b:c' }, false), { image: 'a/b:c', ways: ['debootstrap'] });
});

t.test('made with debootstrap, imported under its tag, and used again', async (t) => {
  const lab = await withLab(t);
  const context = realContext();
  t.equal(await ensureBaseImage(lab.engine(), context, { pull: false, cache }), 'debootstrap');
  const { Config } = await lab.engine().getImage('debian:trixie-slim').inspect();
  t.equal(Config.Labels['com.homeostat.base'], 'debootstrap');
  t.same(Config.Cmd, ['bash']);
  const shell = (text: string) => lab.docker(1, 'run', '--rm', 'debian:trixie-slim', 'bash', '-c', text);
  t.equal(await shell('. /etc/os-release; echo $VERSION_CODENAME; id -u; cat /etc/machine-id'), 'trixie\n0');
  t.equal(
    await shell('ls /usr/share/man /var/lib/apt/lists/*Release 2>/dev/null | wc -l'),
    '0',
    'nothing to read, no lists',
  );
  t.ok(await shell('cat /usr/share/doc/bash/copyright'), 'but the licences');
  t.match(await shell('dpkg --audit; apt-get check && echo sound'), /sound$/);
  t.equal(await ensureBaseImage(lab.engine(), context, { pull: false, cache }), 'present');
});

t.test('pulled where a registry has it', async (t) => {
  const lab = await sharedLab(t);
  const image = `${lab.openRegistry.address}/${uniqueName('base')}:1`;
  await lab.docker(1, 'tag', await lab.image('busybox'), image);
  await lab.docker(1, 'push', image);
  await lab.docker(1, 'rmi', image);
  t.equal(await ensureBaseImage(lab.engine(), realContext(), { image }), 'pulled');
  t.equal(await ensureBaseImage(lab.engine(), realContext(), { image }), 'present');
});

t.test(
  'a registry that has not got it, or is silent, leads to debootstrap; when that fails too, both reasons are told',
  async (t) => {
    const lab = await sharedLab(t);
    const silent = createServer(() => undefined).listen(0, lab.gateway);
    await new Promise((resolve) => silent.once('listening', resolve));
    t.teardown(() => silent.close());
    const closed = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => closed.once('listening', resolve));
    const deadMirror = `http://127.0.0.1:${(closed.address() as AddressInfo).port}/debian`;
    await new Promise((resolve) => closed.close(resolve));
    const folder = t.testdir({ apt: { 'sources.list': `deb ${deadMirror} bookworm main\n` } });
    const aptFolder = path.join(folder, 'apt');
    const cases = [
      [`${lab.openRegistry.address}/missing:1`, /pull: .*(not found|unknown)/],
      [`${lab.gateway}:${(silent.address() as AddressInfo).port}/base:1`, /pull: the registry was silent for 1 s/],
    ] as const;
    for (const [image, reason] of cases) {
      const own = { image, pullSilence: 1000, aptFolder, cache: path.join(folder, 'cache') };
      const error = await ensureBaseImage(lab.engine(), realContext(), own).catch((thrown: unknown) => thrown);
      if (!(error instanceof HomeostatError)) throw new Error(`not an error of the table: ${String(error)}`);
      t.equal(error.code, 'BASE_IMAGE_FAILED');
      t.match(error.evidence[0], reason);
      t.match(error.causeText, deadMirror);
      t.match(error.evidence.join('\n'), /Failed getting release file|Invalid Release|E: /);
      t.same(readdirSync(own.cache), [], 'nothing is left of the attempt');
    }
  },
);

t.test('without debootstrap the remedy says how to get it', async (t) => {
  const lab = await sharedLab(t);
  const bin = t.testdir({ id: '#!/bin/sh\necho 0\n', sh: t.fixture('symlink', '/bin/sh') });
  const context = realContext({ env: { PATH: bin } });
  await chmod(path.join(bin, 'id'), 0o755);
  const attempt = ensureBaseImage(lab.engine(), context, {
    image: 'none:1',
    pull: false,
    cache: path.join(bin, 'cache'),
  });
  await t.rejects(attempt, { code: 'CLI_MISSING', remedy: /apt-get install debootstrap/ });
});

t.test('an ordinary user is told so', async (t) => {
  const lab = await sharedLab(t);
  const bin = t.testdir({ id: '#!/bin/sh\necho 1000\n' });
  await chmod(path.join(bin, 'id'), 0o755);
  const context = realContext({ env: { PATH: `${bin}:${process.env.PATH}` } });
  const attempt = ensureBaseImage(lab.engine(), context, {
    image: 'none:1',
    pull: false,
    cache: path.join(bin, 'cache'),
  });
  await t.rejects(attempt, { code: 'BASE_IMAGE_FAILED', message: /root/ });
});

t.test('a damaged file is refused by the Engine and said so', async (t) => {
  const lab = await sharedLab(t);
  const folder = t.testdir();
  const kept = await debianRootfs(realContext(), { cache });
  await writeFile(path.join(folder, path.basename(kept)), 'not a tar file'.repeat(100));
  const attempt = ensureBaseImage(lab.engine(), realContext(), { image: 'none:1', pull: false, cache: folder });
  await t.rejects(attempt, { code: 'ENGINE_FAILED' });
});

t.test('the mirror is the one apt uses', async (t) => {
  const oneLine = [
    '# deb http://commented/debian bookworm main',
    'deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg] https://vendor.example bookworm main',
    'deb http://mirror.example/debian/ bookworm main contrib # ours',
    'deb http://security.example/debian-security bookworm-security main',
    'deb-src http://sources.example/debian bookworm main',
  ].join('\n');
  t.same(debianMirrors([oneLine]), {
    archive: 'http://mirror.example/debian',
    security: 'http://security.example/debian-security',
  });
  const stanza = [
    'Types: deb deb-src',
    'URIs: http://mirror.example/any-name',
    'Suites: trixie trixie-updates',
    'Components: main',
    'Signed-By:',
    ' -----BEGIN PGP PUBLIC KEY BLOCK-----',
    ' .',
    '',
    'Types: deb',
    '# a comment inside',
    'URIs: http://mirror.example/sec',
    'Suites: trixie-security',
    'Components:',
    ' main contrib',
    '',
    'Enabled: no',
    'Types: deb',
    'URIs: http://off.example/debian',
    'Suites: trixie',
    'Components: main',
  ].join('\n');
  t.same(debianMirrors([stanza]), {
    archive: 'http://mirror.example/any-name',
    security: 'http://mirror.example/sec',
  });
  t.equal(debianMirrors(['deb http://archive.ubuntu.com/ubuntu jammy main restricted']), undefined, 'Ubuntu');
  t.equal(debianMirrors(['deb https://user:secret@mirror.example/debian trixie main']), undefined, 'credentials');
  t.equal(debianMirrors(['deb cdrom:[Debian]/ trixie main', 'deb file:/srv/debian trixie main']), undefined);
  t.equal(debianMirrors(['deb https://vendor.example bookworm main']), undefined, 'only a vendor');
  t.equal(debianMirrors([]), undefined);
});

t.test('no text makes the reader of apt files throw', async () => {
  const word = fc.constantFrom(
    'deb',
    ' ',
    '\n',
    ':',
    'URIs',
    'Types',
    'main',
    'trixie',
    'http://a/debian',
    '[',
    ']',
    '#',
    '',
  );
  fc.assert(fc.property(fc.array(fc.oneof(word, fc.string())), (words) => void debianMirrors([words.join('')])));
});
