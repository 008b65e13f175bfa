import { HomeostatError } from '../common/errors';
import { answerInput, inputId, type JenkinsAccess } from '../jenkins/input';
import type { Executor } from './execute';

/** How long a build may take to come to its input after the question was asked, in milliseconds. */
const patience = 60_000;

/**
 * Tells the build in Jenkins that waits for an approval. The build itself ends the question, when it takes the approval up;
 * without an input of Jenkins the deploy that waits does.
 */
export const releaseInput =
  (jenkins: JenkinsAccess | undefined): Executor =>
  async (question, decision, context) => {
    if (decision.via === 'expiry') return { outcome: 'nobody answered in time', ok: false };
    const build = question.choices.find(({ id }) => id === decision.choice)?.action.build;
    if (!jenkins || typeof build !== 'string' || decision.via === 'jenkins') return undefined;
    const answer = decision.choice === 'approve' ? 'proceed' : 'abort';
    const found = await answerInput(jenkins, build, inputId(question.id), answer, context);
    const waited = context.clock.now().getTime() - Date.parse(decision.at);
    if (!found && waited < patience) throw new HomeostatError('JENKINS_FAILED', 'the build has no such input yet');
    return undefined;
  };
