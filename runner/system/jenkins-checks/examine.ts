import type { Context } from '../../common/context';
import { unknown, type Check, type Finding } from '../checks/check';
import { judgeCrumbs, judgeHookTokens, judgeRootUrl } from './access';
import { judgeAgents } from './agents';
import { judgeAnswer, judgeToken, judgeVersion } from './answers';
import { readJenkins, type JenkinsFacts } from './facts';
import { inside } from './inside';
import { judgeJava } from './java';
import { judgeConcurrency, judgeJob, judgeQuietPeriod } from './job';
import { judgeLibrary } from './library';
import { judgePlugins } from './plugins';
import { judgeAnonymous, judgeCaller } from './rights';
import type { JenkinsDoctorSettings } from './settings';

/** What is looked at, in the order in which it is told. */
const checks: [string, (facts: JenkinsFacts) => Finding][] = [
  ['token', judgeToken],
  ['version', judgeVersion],
  ['Java', inside('java', judgeJava)],
  ['plugins', inside('plugins', (plugins) => judgePlugins(plugins))],
  ['library', inside('libraries', judgeLibrary)],
  ['job', judgeJob],
  ['concurrency', judgeConcurrency],
  ['quiet period', inside('job', judgeQuietPeriod)],
  ['rights', inside('user', judgeCaller)],
  ['anonymous', judgeAnonymous],
  ['crumbs', judgeCrumbs],
  ['hook tokens', inside('hookTokens', judgeHookTokens)],
  ['root URL', judgeRootUrl],
  ['agents', inside('agents', judgeAgents)],
];

/** Everything that the library and the jobs need of a Jenkins; nothing is changed there. */
export async function examineJenkins(settings: JenkinsDoctorSettings, context: Context): Promise<Check[]> {
  return judgeJenkins(await readJenkins(settings, context));
}

export function judgeJenkins(facts: JenkinsFacts): Check[] {
  const answer = judgeAnswer(facts);
  const silent = answer.verdict !== 'ok';
  return [
    { name: 'Jenkins', ...answer },
    ...checks.map(([name, judge]) => ({ name, ...(silent ? unknown('Jenkins does not answer') : judge(facts)) })),
  ];
}
