/** Exit codes of every command; docs/errors.md is generated from this file. */
export const exitCodes = {
  0: 'done, and observed on the running system',
  1: 'the work failed: a build or a test is red',
  2: 'bad usage or configuration; nothing was changed',
  3: 'rolled back: the release was bad and the last known-good one runs again',
  4: 'a person has to decide',
  5: 'the deadline passed; of a rollout, the last known-good release was put back',
  6: 'refused by policy',
  7: 'a conflict that did not settle',
  8: 'something could not be reached',
  143: 'stopped by SIGTERM or SIGINT',
} as const;

export type ExitCode = keyof typeof exitCodes;

export interface ErrorDefinition {
  exit: ExitCode;
  meaning: string;
  remedy: string;
}

const define = <K extends string>(table: Record<K, ErrorDefinition>) => table;

/** The one table of errors: what each code means, how the process ends, and what to do about it. */
export const errorTable = define({
  USAGE_INVALID: {
    exit: 2,
    meaning: 'A command, option or parameter is unknown or has a value that is not allowed.',
    remedy: 'Run the command with --help to see its options.',
  },
  CONFIG_MISSING: {
    exit: 2,
    meaning: 'There is no homeostat.yml where it was looked for.',
    remedy: 'Create homeostat.yml (the smallest has two lines: name and image), or name another file with --config.',
  },
  CONFIG_INVALID: {
    exit: 2,
    meaning: 'homeostat.yml has problems; all of them are listed with file, line and column.',
    remedy: 'Correct the lines named; resources/schema/homeostat.json lets editors check while you type.',
  },
  SYSTEM_INVALID: {
    exit: 2,
    meaning: 'system.yml has problems; all of them are listed with file, line and column.',
    remedy: 'Correct the lines named; resources/schema/system.json lets editors check while you type.',
  },
  STACK_MISSING: {
    exit: 2,
    meaning: 'The stack file does not exist.',
    remedy: 'Create it, or name the right file with `stack:` in homeostat.yml or --stack-file.',
  },
  STACK_INVALID: {
    exit: 2,
    meaning: 'The stack file cannot be deployed as it is.',
    remedy: 'Correct the stack file at the place named.',
  },
  LABELS_INVALID: {
    exit: 2,
    meaning: 'Labels of a stack file are wrong, or the file cannot be read; everything is listed with file and line.',
    remedy: 'Correct the lines named; docs/labels.md says what each label means and may be.',
  },
  VARIABLE_UNRESOLVED: {
    exit: 2,
    meaning: 'The stack file uses a variable that has neither a value nor a default.',
    remedy: 'Set the variable in the environment, or write a default: ${NAME:-value}.',
  },
  IMAGE_INVALID: {
    exit: 2,
    meaning: 'An image reference is not legal.',
    remedy:
      'Use [registry[:port]/]path[:tag][@sha256:…]: path in lower case, tag of at most 128 letters, digits, . _ -.',
  },
  NAME_INVALID: {
    exit: 2,
    meaning: 'A service, stack or job name is not legal.',
    remedy: 'Use lower-case letters, digits, - and _, starting with a letter or digit, at most 63 characters.',
  },
  SECRET_MISSING: {
    exit: 2,
    meaning: 'A secret that is referred to by name has no value.',
    remedy: 'Set the environment variable, or create the file, that the secret is read from.',
  },
  RELEASE_MISSING: {
    exit: 2,
    meaning: 'There is no such release in the store.',
    remedy: 'List what there is with `homeostat releases`.',
  },
  SERVICE_MISSING: {
    exit: 2,
    meaning: 'There is no such service in the Swarm.',
    remedy: 'List the services with `homeostat status`, and check the name (<stack>_<service>).',
  },
  BUILD_FAILED: {
    exit: 1,
    meaning: 'The image could not be built.',
    remedy: 'Read the last lines of the build log above; the failing step is named.',
  },
  TEST_FAILED: {
    exit: 1,
    meaning: 'A test of the service is red.',
    remedy: 'Read the output of the test above; production was not touched.',
  },
  TEST_TIMEOUT: {
    exit: 1,
    meaning: 'A test did not end within its time limit and was stopped.',
    remedy: 'Raise `timeout:` of the test in homeostat.yml, or mend the test that hangs.',
  },
  CANDIDATE_FAILED: {
    exit: 1,
    meaning: 'The candidate stack did not become healthy, so it was not tested.',
    remedy: 'Look at the task errors and log lines named; production was not touched.',
  },
  CLEANUP_INCOMPLETE: {
    exit: 7,
    meaning: 'Something of a candidate could not be removed within a minute.',
    remedy: 'Read what holds it (a container that uses its volume, a node that is down), then run the cleanup again.',
  },
  PUSH_FAILED: {
    exit: 1,
    meaning: 'The registry did not take the image.',
    remedy: 'Read the reason the registry gave; check its disk space and its rules for tags.',
  },
  ROLLOUT_FAILED: {
    exit: 3,
    meaning: 'The new release turned out bad; the last known-good one was put back and runs.',
    remedy: 'Read the evidence (task errors and log lines), mend the service and deploy again.',
  },
  ROLLOUT_DEADLINE: {
    exit: 5,
    meaning: 'The rollout did not end before its deadline; the last known-good release was put back.',
    remedy: 'Look at why tasks do not start (image, placement, resources), or raise `deploy.deadline`.',
  },
  ROLLBACK_INCOMPLETE: {
    exit: 7,
    meaning: 'The release was bad, and putting the last known-good one back did not finish.',
    remedy: 'Run `homeostat status`, then `homeostat rollback`; if tasks stay pending, look at the nodes.',
  },
  APPROVAL_NEEDED: {
    exit: 4,
    meaning: 'The deploy waits for the approval of a person.',
    remedy: 'Look at the tested digest, then run `homeostat deploy` with --approved-by NAME.',
  },
  APPROVAL_REJECTED: {
    exit: 6,
    meaning: 'A person has rejected the deploy.',
    remedy: 'Talk to who rejected it (the name and the reason are given), then deploy again.',
  },
  APPROVAL_STALE: {
    exit: 7,
    meaning:
      'The deploy was approved, and meanwhile another release was deployed: what was approved is not what would happen.',
    remedy: 'Deploy again; the approval is asked for anew, with the changes since the present release.',
  },
  QUESTION_MISSING: {
    exit: 2,
    meaning: 'There is no such question to people.',
    remedy: 'List what is open with `homeostat questions`, and what was decided with `homeostat questions --all`.',
  },
  ANSWER_REFUSED: {
    exit: 6,
    meaning:
      'The answer cannot be taken: it is none of the choices, it comes too late, or from somebody who may not decide.',
    remedy: 'Look at `homeostat questions` for the choices and for who may decide.',
  },
  ANSWER_LATE: {
    exit: 7,
    meaning: 'Somebody else has decided the question already.',
    remedy: 'Nothing; the decision that holds is named.',
  },
  ANSWER_FAILED: {
    exit: 1,
    meaning: 'The question is decided, and what was decided could not be done.',
    remedy: 'Read the outcome, mend what it names, then do it by hand.',
  },
  JENKINS_FAILED: {
    exit: 8,
    meaning: 'Jenkins, or the job server that answers like it, did not do what was asked of it.',
    remedy: 'Check its address, that it runs, and that the user of the token may read and build the job.',
  },
  RULE_MISSING: {
    exit: 2,
    meaning: 'There is no such standing rule.',
    remedy: 'List the rules with `homeostat rules --all`.',
  },
  DEPLOY_REFUSED: {
    exit: 6,
    meaning: 'The stack breaks the deploy policy.',
    remedy: 'Follow the advice given for each service, or set `deploy.policy: warn`.',
  },
  DEPLOY_INTERFERED: {
    exit: 7,
    meaning: 'Somebody else changed or removed the stack while it was being deployed.',
    remedy: 'Find out who did it (`homeostat status`), then deploy again.',
  },
  SCALE_REFUSED: {
    exit: 6,
    meaning: 'The service is not scaled: it is held, a rollout is going on, tasks are awaited, or a limit is reached.',
    remedy: 'Read the cause; `homeostat scale SERVICE --explain` says what each guard sees.',
  },
  SCALE_UNOBSERVED: {
    exit: 5,
    meaning: 'The service was given its replicas, and they did not all run before the wait was over.',
    remedy: 'Look at its tasks (`docker service ps`): nodes without room, or an image that does not start.',
  },
  RESCHEDULE_INCOMPLETE: {
    exit: 5,
    meaning: 'The tasks of a service were to be spread anew, and its rollout did not end well or not in time.',
    remedy: 'Read the reason given for each service; `homeostat status` says how it stands.',
  },
  SWARM_NODE_MISSING: {
    exit: 2,
    meaning: 'There is no such node in the Swarm.',
    remedy: 'List the nodes with `homeostat status`.',
  },
  DRAIN_INCOMPLETE: {
    exit: 5,
    meaning:
      'Replacements of the tasks of a node did not run in time, so everything was put back, or what ran there did not end.',
    remedy: 'Give the Swarm room for the tasks named (or wait for the rollout named), then drain again.',
  },
  NODE_SCALER_FAILED: {
    exit: 8,
    meaning: 'What adds and removes nodes (HOMEOSTAT_NODE_SCALER) failed, or is not set.',
    remedy: 'Set HOMEOSTAT_NODE_SCALER to command:PROGRAM or an https address, and read what it answered.',
  },
  LEASE_HELD: {
    exit: 7,
    meaning: 'Another deploy of this stack is running.',
    remedy: 'Wait for it to end, then try again; a holder that died loses the lease by itself within seconds.',
  },
  CONFLICT: {
    exit: 7,
    meaning: 'Somebody else changed the same object again and again.',
    remedy: 'Try again; if it happens often, find the other writer.',
  },
  ENGINE_UNREACHABLE: {
    exit: 8,
    meaning: 'The Docker Engine does not answer.',
    remedy:
      'Start Docker, check DOCKER_HOST and your right to use the socket; `homeostat doctor --fix` helps on Debian and Ubuntu.',
  },
  ENGINE_FAILED: {
    exit: 8,
    meaning: 'The Docker Engine answered with an error, or its answer ended early.',
    remedy: 'Look at the Engine’s log for the reason and try again.',
  },
  CLI_MISSING: {
    exit: 8,
    meaning: 'A program that is needed is not installed.',
    remedy: 'Install it; `homeostat doctor --fix` does so on Debian and Ubuntu.',
  },
  SWARM_MISSING: {
    exit: 8,
    meaning: 'This Engine is not part of a Swarm.',
    remedy: 'Run `docker swarm init`, or `homeostat up`.',
  },
  SWARM_NOT_MANAGER: {
    exit: 8,
    meaning: 'This Engine is a worker; only managers can be asked.',
    remedy: 'Point DOCKER_HOST at a manager.',
  },
  SWARM_UNUSABLE: {
    exit: 8,
    meaning: 'This Engine belongs to a Swarm but takes no part in it: it is locked, still joining, or in error.',
    remedy: 'Look at `docker info`, and make the Engine join again (`docker swarm leave`, then `docker swarm join`).',
  },
  SWARM_NO_LEADER: {
    exit: 8,
    meaning: 'The Swarm had no leader for a minute.',
    remedy: 'Bring a majority of the managers back (`docker node ls` on each), then try again.',
  },
  REGISTRY_UNREACHABLE: {
    exit: 8,
    meaning: 'The image registry does not answer.',
    remedy: 'Check the registry’s address, that it runs, and the network between the Engine and it.',
  },
  REGISTRY_DENIED: {
    exit: 8,
    meaning: 'The image registry refused the credentials.',
    remedy: 'Run `docker login` for that registry, or set HOMEOSTAT_REGISTRY_USER and HOMEOSTAT_REGISTRY_PASSWORD.',
  },
  BASE_IMAGE_FAILED: {
    exit: 8,
    meaning: 'The Debian base image of the system’s images can neither be pulled nor made with debootstrap.',
    remedy:
      'Let the Engine reach an image registry, or run as root on Debian or Ubuntu with debootstrap and a reachable Debian mirror, or load the image by hand (`docker load`).',
  },
  GIT_FAILED: {
    exit: 8,
    meaning: 'A git command failed.',
    remedy: 'Check the URL, the branch and the credentials of the repository.',
  },
  JOBS_INVALID: {
    exit: 2,
    meaning: 'The file of the job server cannot be read or has problems; all of them are listed with line and column.',
    remedy: 'Correct the lines named; docs/jobs.md explains every key.',
  },
  JOBS_LOCKED: {
    exit: 7,
    meaning: 'Another job server uses the same data folder.',
    remedy: 'Stop the other one, or give this one a folder of its own with --data.',
  },
  JOBS_LISTEN: {
    exit: 8,
    meaning: 'The job server cannot listen on its address.',
    remedy: 'Free the address, or name another one with --listen.',
  },
  JOBS_STORE: {
    exit: 8,
    meaning: 'The data folder of the job server cannot be read or written.',
    remedy: 'Check the folder’s owner and rights, and the space on its disk.',
  },
  EXPORTER_LISTEN: {
    exit: 8,
    meaning: 'The exporter cannot listen on its address.',
    remedy: 'Free the port, or name another one with --port.',
  },
  CONTROLLER_LISTEN: {
    exit: 8,
    meaning: 'The controller cannot listen on its address.',
    remedy: 'Free the address, or name another one with --listen.',
  },
  AGENT_FOLDER: {
    exit: 8,
    meaning: 'The folder of an agent, or the one of its sockets, cannot be read or written.',
    remedy: 'Check the owner and rights of --folder and --run, and the space on their disks.',
  },
  INSTALL_FAILED: {
    exit: 8,
    meaning: 'A package that is needed could not be installed.',
    remedy: 'Install the package by hand, then try again.',
  },
  STATE_UNREADABLE: {
    exit: 8,
    meaning: 'The record of what `homeostat up` made cannot be read.',
    remedy: 'Check the file and its rights; without it `homeostat down` does not know what to remove.',
  },
  ENGINE_BUSY: {
    exit: 6,
    meaning: 'The engine of jobs cannot be changed while builds run or wait; the one that runs stays.',
    remedy: 'Wait for them, or stop them, and run `homeostat up` again.',
  },
  PORT_TAKEN: {
    exit: 2,
    meaning: 'A port that the system is to listen on is in use.',
    remedy: 'End the program that listens there, or choose another port.',
  },
  SYSTEM_FAILED: {
    exit: 8,
    meaning: 'A service of the system itself did not start.',
    remedy: 'Read the reason given; run `homeostat doctor`, then `homeostat up` again.',
  },
  JOB_FAILED: {
    exit: 8,
    meaning: 'The job server did not do what was asked of it.',
    remedy: 'Look at `docker service logs homeostat-jobs_jobs`, then run `homeostat up` again.',
  },
  STORY_FAILED: {
    exit: 1,
    meaning: 'The example did not behave as it must; the installation is not sound.',
    remedy: 'Read the log of the build named, run `homeostat doctor`, then `homeostat up` again.',
  },
  DOCTOR_FOUND: {
    exit: 8,
    meaning: 'The doctor found something that keeps the system from working.',
    remedy:
      'Follow the remedy printed beside each finding; `homeostat doctor --fix` installs and starts what a machine lacks.',
  },
  STOPPED: {
    exit: 143,
    meaning: 'The command was stopped by a signal.',
    remedy: 'Nothing; `homeostat cleanup` removes what may be left of the candidate.',
  },
  INTERNAL: {
    exit: 1,
    meaning: 'A defect in Homeostat itself.',
    remedy: 'Run again with --debug and report what it prints.',
  },
});

export type ErrorCode = keyof typeof errorTable;
