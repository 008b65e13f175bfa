import { HomeostatError } from '../common/errors';
import { readAuthority, type JenkinsAccess } from '../jenkins/access';
import { JenkinsClient } from '../jenkins/client';
import { patience } from '../jenkins/requests';
import { inputId } from '../jenkins/input';
import type { JenkinsSettings } from './settings';
import type { Executor } from './execute';

/** How long a build may take to come to its input after the question was asked, in milliseconds. */
const longestWay = 60_000;

/**
 * Tells the build in Jenkins that waits for an approval. The build itself ends the question, when it takes the approval up;
 * without an input of Jenkins the deploy that waits does.
 */
export const releaseInput =
  (jenkins: JenkinsSettings | undefined): Executor =>
  async (question, decision, context) => {
    if (decision.via === 'expiry') return { outcome: 'nobody answered in time', ok: false };
    const build = question.choices.find(({ id }) => id === decision.choice)?.action.build;
    if (!jenkins || typeof build !== 'string' || decision.via === 'jenkins') return undefined;
    const answer = decision.choice === 'approve' ? 'proceed' : 'abort';
    const access: JenkinsAccess = { ...jenkins, authority: await readAuthority(jenkins.caFile, context) };
    // Who carries out decisions comes again by itself.
    const client = new JenkinsClient(access, context, { ...patience, away: 0 });
    const found = await client.answerInput(build, inputId(question.id), answer);
    const waited = context.clock.now().getTime() - Date.parse(decision.at);
    if (!found && waited < longestWay) throw new HomeostatError('JENKINS_FAILED', 'the build has no such input yet');
    return undefined;
  };
