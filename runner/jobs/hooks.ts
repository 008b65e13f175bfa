import { Refusal, readBody } from '../common/refusal';
import { textAnswer, type Answer, type Call } from './answer';
import type { JobEngine } from './engine';
import { readSecretFile } from './environment';
import type { CauseKind, Job, PipelineJob, Revision } from './model';
import { isSigned, readPush } from './push-event';
import { branchMatches, isBranchName, isCommit, plainBranches, repositoryKey } from '../common/repository';
import { allows } from './rights';
import { triggeredAnswer } from './trigger';

/** Bytes of a webhook's body. */
export const webhookLimit = 5_000_000;

const pipelinesOf = (engine: JobEngine, urls: string[]) => {
  const keys = new Set(urls.map(repositoryKey));
  const isWanted = (job: Job): job is PipelineJob => job.kind === 'pipeline' && keys.has(repositoryKey(job.repository));
  return [...engine.jobs.values()].filter(isWanted);
};

/**
 * `git/notifyCommit?url=&branches=&sha1=&token=`: with a commit it is built in any case, without one the branch is built
 * when its head is new.
 * @see https://plugins.jenkins.io/git/#plugin-content-push-notification-from-repository
 */
export async function notifyCommit(engine: JobEngine, call: Call): Promise<Answer> {
  const url = call.query.get('url') ?? '';
  if (url === '') throw new Refusal(400, 'The parameter url is missing.');
  const branches = (call.query.get('branches') ?? '').split(',').filter(Boolean);
  const wrong = branches.find((branch) => !isBranchName(branch));
  if (wrong !== undefined) throw new Refusal(400, `branches: '${wrong}' is not the name of a branch.`);
  const commit = call.query.get('sha1')?.toLowerCase() || undefined;
  if (commit !== undefined && !isCommit(commit)) throw new Refusal(400, 'sha1 is not the full hash of a commit.');
  const triggered: string[] = [];
  for (const job of pipelinesOf(engine, [url])) {
    if (!allows(call.user!.rights, job.name, 'build')) continue;
    const wanted = revisionsOf(job, branches, commit);
    for (const revision of wanted) await engine.submit(job, { kind: 'scm' }, { revision });
    if (wanted.length > 0) triggered.push(job.name);
  }
  const where = branches.length > 0 ? ` and branches: ${branches.join(',')}` : '';
  return triggeredAnswer(call.root, triggered, `No git jobs using repository: ${url}${where}`);
}

function revisionsOf(job: PipelineJob, branches: string[], commit: string | undefined): Revision[] {
  if (commit && branches.length === 0) return [{ commit }];
  const chosen =
    branches.length === 0 ? plainBranches(job.branches) : branches.filter((each) => branchMatches(each, job.branches));
  return chosen.map((branch) => (commit ? { branch, commit } : { branch, onlyIfNew: true }));
}

interface Webhook {
  kind: CauseKind & ('github' | 'gitea');
  secretFile: string | undefined;
}

/** A push webhook of GitHub or Gitea, with the HMAC of its body. The head of the branch is built when it is new. */
export async function pushWebhook(engine: JobEngine, call: Call, { kind, secretFile }: Webhook): Promise<Answer> {
  if (secretFile === undefined)
    throw new Refusal(403, `Webhooks of ${kind} are off: name webhooks.${kind}SecretFile in the jobs file.`);
  const { headers } = call.request;
  const body = await readBody(call.request, webhookLimit);
  const signature = headers[kind === 'github' ? 'x-hub-signature-256' : 'x-gitea-signature'];
  const value = String(signature ?? '').replace(kind === 'github' ? /^sha256=/ : /^$/, '');
  if (!isSigned(body, readSecretFile(secretFile, `webhooks.${kind}SecretFile`), value))
    throw new Refusal(403, 'The signature of the webhook is missing or wrong.');
  const event = headers[`x-${kind}-event`];
  if (event !== 'push') return textAnswer(200, `The event ${String(event)} builds nothing.`);
  const push = readPush(body.toString('utf8'), headers['content-type'] ?? '');
  if ('invalid' in push) throw new Refusal(400, `The webhook cannot be read: ${push.invalid}.`);
  if ('ignored' in push) return textAnswer(200, `Nothing to build: ${push.ignored}.`);
  const triggered: string[] = [];
  for (const job of pipelinesOf(engine, push.urls)) {
    if (!branchMatches(push.branch, job.branches)) continue;
    await engine.submit(job, { kind }, { revision: { branch: push.branch, onlyIfNew: true } });
    triggered.push(job.name);
  }
  return triggeredAnswer(call.root, triggered, `No job builds the branch ${push.branch} of this repository.`);
}
