import { statfs } from 'node:fs/promises';
import { messageOf } from '../../common/errors';
import { failed, findingOf, ok, unknown, warning, type CheckDefinition, type Finding } from './check';
import type { Facts } from './facts';

const leastApi = [1, 41] as const;

export const engineCheck: CheckDefinition = {
  name: 'Engine',
  needs: 'nothing',
  look: ({ facts }) => judgeEngine(facts),
};

export function judgeEngine({ version, engineFault }: Facts): Finding {
  if (!version) {
    const finding = findingOf(engineFault);
    if (!engineFault?.causeText?.startsWith('EACCES')) return finding;
    return { ...finding, remedy: 'Run as root, or as a member of the group `docker`.' };
  }
  const detail = `${version.Version}, API ${version.ApiVersion}`;
  const [major = 0, minor = 0] = version.ApiVersion.split('.').map(Number);
  if (major > leastApi[0] || (major === leastApi[0] && minor >= leastApi[1])) return ok(detail);
  return failed(`${detail} is too old`, `Install Docker 20.10 or newer (API ${leastApi.join('.')}).`);
}

/** Milliseconds that the clocks may differ. */
const clockLimit = 2000;

export const clockCheck: CheckDefinition = {
  name: 'clock',
  needs: 'engine',
  look: ({ facts: { info, asked } }) =>
    info && asked ? judgeClock(Date.parse(info.SystemTime), asked) : unknown('the Engine did not tell its time'),
};

/** Judges the Engine's time (milliseconds) against ours before and after it was asked. */
export function judgeClock(engine: number, { before, after }: { before: number; after: number }): Finding {
  if (!Number.isFinite(engine)) return unknown('the Engine did not tell its time');
  const off = engine < before ? engine - before : Math.max(0, engine - after);
  if (Math.abs(off) <= clockLimit) return ok(`the Engine’s differs from ours by less than ${clockLimit / 1000} s`);
  const seconds = (Math.abs(off) / 1000).toFixed(1);
  return warning(
    `the Engine’s is ${seconds} s ${off > 0 ? 'ahead of' : 'behind'} ours`,
    'Let both machines follow a time server (chrony or systemd-timesyncd).',
  );
}

const gibibyte = 1024 ** 3;

export const diskCheck: CheckDefinition = {
  name: 'disk',
  needs: 'engine',
  async look({ facts: { info, socket } }) {
    if (!info) return unknown('the Engine did not tell where it keeps its data');
    if (socket === undefined) return unknown('the Engine is on another machine');
    try {
      const { bavail, bsize } = await statfs(info.DockerRootDir);
      return judgeDisk(bavail * bsize, info.DockerRootDir);
    } catch (error) {
      return unknown(`${info.DockerRootDir} cannot be seen from here: ${messageOf(error)}`);
    }
  },
};

/** Judges the free space (bytes) where the Engine keeps its data. */
export function judgeDisk(free: number, folder: string): Finding {
  const detail = `${(free / gibibyte).toFixed(1)} GiB free in ${folder}`;
  const remedy = 'Free space: `docker system df` shows what uses it, `docker system prune` removes what nobody uses.';
  if (free < gibibyte) return failed(detail, remedy);
  return free < 5 * gibibyte ? warning(detail, remedy) : ok(detail);
}
