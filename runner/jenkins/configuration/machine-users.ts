/** A program that asks Jenkins; its secret is its API token, and its password, without which Jenkins knows no user. */
export interface MachineUser {
  name: string;
  fullName: string;
  secret: string;
  /** What it may do everywhere; the rest is given at single jobs. */
  permissions: string[];
}

/** Starts the jobs that scale, and nothing else. */
export const alertmanagerUser: MachineUser = {
  name: 'alertmanager',
  fullName: 'Alertmanager',
  secret: 'alertmanager-token',
  permissions: ['Overall/Read'],
};

export const machineUsers: readonly MachineUser[] = [
  alertmanagerUser,
  // Connects the agents.
  {
    name: 'agent',
    fullName: 'Build agents',
    secret: 'agent-token',
    permissions: ['Overall/Read', 'Agent/Connect'],
  },
  // The system itself: `up` follows builds, the controller answers inputs that people decided elsewhere.
  {
    name: 'homeostat',
    fullName: 'Homeostat',
    secret: 'homeostat-token',
    permissions: ['Overall/Read', 'Job/Read', 'Job/Build', 'Job/Cancel'],
  },
];

/** With it git servers tell Jenkins of pushes; it belongs to no user. */
export const hookSecret = 'git-hook-token';
