import { Agent, request, type IncomingMessage } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { fail } from '../common/errors';
import { limited } from '../common/limited';

/** An answer of the Engine that says no. */
export class EngineRefusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export interface AskOptions {
  query?: Record<string, string | number | boolean | object>;
  signal: AbortSignal;
  /** Milliseconds without an answer after which the Engine counts as hung. */
  limit: number;
}

/**
 * The Engine of this node, for questions only. The client that everything else uses takes 20 MB, which is much for what
 * runs on every node.
 */
export class LocalEngine {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 80, maxFreeSockets: 4 });
  private readonly place: { socketPath: string } | { host: string; port: number };

  /** @param host as in DOCKER_HOST: `unix://` or `tcp://`; undefined is the usual socket. @throws USAGE_INVALID */
  constructor(host: string | undefined) {
    const socket = /^unix:\/\/(\/.+)$/.exec(host ?? 'unix:///var/run/docker.sock')?.[1];
    const [, name, port] = /^(?:tcp|http):\/\/(\[[0-9a-fA-F:]+\]|[^:/]+)(?::(\d+))?\/?$/.exec(host ?? '') ?? [];
    if (socket !== undefined) this.place = { socketPath: socket };
    else if (name !== undefined) this.place = { host: name.replace(/^\[(.*)\]$/, '$1'), port: Number(port ?? 2375) };
    else
      fail('USAGE_INVALID', `the exporter cannot use DOCKER_HOST '${(host ?? '').replace(/\/\/.*@/, '//')}'`, {
        remedy: "Use the node's own Engine: unix:///path/to/docker.sock or tcp://host:port, without TLS.",
      });
  }

  /** @throws EngineRefusal, or what the connection says */
  async ask<T>(path: string, { query = {}, signal, limit }: AskOptions): Promise<T> {
    return limited(
      signal,
      limit,
      async (within) => JSON.parse(await readText(await this.open(path, query, within))) as T,
    );
  }

  /** An answer that comes piece by piece. */
  async open(path: string, query: AskOptions['query'], signal: AbortSignal): Promise<IncomingMessage> {
    const text = Object.entries(query ?? {})
      .map(([key, value]) => `${key}=${encodeURIComponent(typeof value === 'object' ? JSON.stringify(value) : value)}`)
      .join('&');
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = {
        ...this.place,
        path: `${path}?${text}`,
        agent: this.agent,
        signal,
        headers: { Host: 'docker' },
      };
      request(options, resolve).once('error', reject).end();
    });
    // What goes wrong later is thrown to whoever reads.
    answer.on('error', () => undefined);
    if (answer.statusCode === 200) return answer;
    throw new EngineRefusal(answer.statusCode ?? 0, (await readText(answer)).trim().slice(0, 500));
  }

  close(): void {
    this.agent.destroy();
  }
}
