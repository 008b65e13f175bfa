import type { Command } from './command';

/** Every command by name, loaded only when it is used. */
export const commands: Record<string, () => Promise<{ default: Command }>> = {
  build: () => import('./build'),
  test: () => import('./test'),
  push: () => import('./push'),
  deploy: () => import('./deploy'),
  rollback: () => import('./rollback'),
  releases: () => import('./releases'),
  pipeline: () => import('./pipeline'),
  cleanup: () => import('./cleanup'),
  status: () => import('./status'),
  doctor: () => import('./doctor'),
  labels: () => import('./labels'),
  render: () => import('./render'),
  up: () => import('./up'),
  down: () => import('./down'),
  jobs: () => import('./jobs'),
  agent: () => import('./agent'),
  controller: () => import('./controller'),
  exporter: () => import('./exporter'),
};
