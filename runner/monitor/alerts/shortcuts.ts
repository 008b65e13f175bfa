import { containerShortcuts } from './container-shortcuts';
import { nodeShortcuts } from './node-shortcuts';
import { proxyShortcuts } from './proxy-shortcuts';
import { replicaShortcuts } from './replica-shortcuts';
import { responseShortcuts } from './response-shortcuts';
import type { Shortcut } from './shortcut';

/** Every shortcut by its name without `@`; the reference in the documentation is made from it. */
export const shortcuts: Readonly<Record<string, Shortcut>> = {
  ...containerShortcuts,
  ...responseShortcuts,
  ...proxyShortcuts,
  ...replicaShortcuts,
  ...nodeShortcuts,
};
