import type { JenkinsAccess } from '../../jenkins/access';

/** A Jenkins to be examined, and what it has to have. */
export interface JenkinsDoctorSettings {
  access: JenkinsAccess;
  /** The job that Alertmanager starts. */
  job: string;
  /** The user as whom it does. */
  caller: string;
  library: string;
  /** Which agents the jobs run on; an expression, as in a Jenkinsfile. */
  label: string;
}
