import { run } from '../../common/process';
import { failed, ok, warning, type CheckDefinition, type Finding } from './check';

const leastNode = 20;

/** Judges the version of Node.js, such as `v20.19.2`. */
export function judgeNode(version: string): Finding {
  const major = Number(/^v?(\d+)\./.exec(version)?.[1] ?? 0);
  if (major >= leastNode) return ok(version.replace(/^v/, ''));
  return failed(`${version} is too old`, `Install Node.js ${leastNode} or newer.`);
}

export const nodeCheck = (version: string): CheckDefinition => ({
  name: 'Node.js',
  needs: 'nothing',
  look: () => judgeNode(version),
});

const versionLimit = 5000;

export const clientCheck: CheckDefinition = {
  name: 'docker client',
  needs: 'nothing',
  async look({ context: { env, signal } }) {
    const { code, stdout, stderr } = await run('docker', ['--version'], { env, signal, timeout: versionLimit });
    const version = /version ([^\s,]+)/.exec(stdout)?.[1];
    if (code === 0 && version) return ok(version);
    return failed(
      `\`docker --version\` ended with ${code}: ${stderr.trim().slice(0, 200)}`,
      'Install the docker client again.',
    );
  },
};

export const gitCheck: CheckDefinition = {
  name: 'git',
  needs: 'nothing',
  async look({ context: { env, signal } }) {
    const remedy = 'Install git; `homeostat doctor --fix` does so on Debian and Ubuntu.';
    const result = await run('git', ['--version'], { env, signal, timeout: versionLimit }).catch(() => undefined);
    if (!result || result.code !== 0)
      return warning('not installed; images are not labelled with their commit', remedy);
    return ok(result.stdout.trim().replace(/^git version /, ''));
  },
};
