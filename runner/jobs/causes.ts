import type { Cause } from './model';

const texts: Record<Cause['kind'], [javaClass: string, text: string]> = {
  user: ['hudson.model.Cause$UserIdCause', 'Started by user'],
  scm: ['hudson.triggers.SCMTrigger$SCMTriggerCause', 'Started by an SCM change'],
  github: ['com.cloudbees.jenkins.GitHubPushCause', 'Started by GitHub push'],
  gitea: ['hudson.model.Cause$RemoteCause', 'Started by Gitea push'],
};

/** A cause in Jenkins' words. */
export const describeCause = (cause: Cause) => [texts[cause.kind][1], cause.user].filter(Boolean).join(' ');

/** A cause in Jenkins' JSON. */
export const causeDocument = (cause: Cause) => ({
  _class: texts[cause.kind][0],
  shortDescription: describeCause(cause),
  ...(cause.user ? { userId: cause.user, userName: cause.user } : {}),
});
