import { readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Context } from '../common/context';
import { request, statusOf, type Engine } from '../common/engine';
import { messageOf } from '../common/errors';
import { attachSecrets } from '../swarm/attach-secrets';

/** Secrets that are for the controller by their names, as docker-flow-proxy, its listener and its monitor have them. */
export const ownSecret = /^(?:cert[-_]|dfp_|df_notify_|alertif[-_]|scrape_)/;

/** Label that the Engine puts on the containers of a service. */
const serviceLabel = 'com.docker.swarm.service.id';

/** Gives the controller's own service the secrets that are for it: their content can be read in no other way. */
export class OwnSecrets {
  private service: Promise<string | undefined> | undefined;
  private told = '';

  constructor(
    private readonly engine: Engine,
    private readonly folder: string,
    private readonly context: Context,
  ) {}

  /** Compares the Swarm's secrets with those that this container has; the Swarm then replaces it where one is missing. */
  async look(names: string[]): Promise<void> {
    const wanted = names.filter((name) => ownSecret.test(name));
    if (wanted.length === 0) return;
    const present = new Set(await readdir(this.folder).catch(() => []));
    const missing = wanted.filter((name) => !present.has(name)).join(', ');
    if (!missing || missing === this.told) return;
    const { log } = this.context;
    try {
      const service = await (this.service ??= this.ownService());
      if (service === undefined) log.warn(`the controller is no service of this Swarm, so it cannot read: ${missing}`);
      else if ((await attachSecrets(this.engine, service, ownSecret, this.context)).length > 0)
        log.info(`the controller is started again with the secrets ${missing}`);
      this.told = missing;
    } catch (error) {
      if (this.context.signal.aborted) return;
      log.warn(`the controller could not give itself the secrets ${missing}: ${messageOf(error)}`);
    }
  }

  /** Id of the service that this container belongs to; a container's host name is its id unless somebody chose another. */
  private async ownService(): Promise<string | undefined> {
    const path = `/containers/${encodeURIComponent(hostname())}/json`;
    const found = await request<{ Config: { Labels?: Record<string, string> } }>(this.engine, 'GET', path).catch(
      (error: unknown) => {
        if (statusOf(error) !== 404) throw error;
      },
    );
    return found?.Config.Labels?.[serviceLabel];
  }
}
