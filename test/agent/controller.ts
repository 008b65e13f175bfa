import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { bundleOf, type AgentReport, type Bundle, type EngineName } from '../../runner/common/bundle';
import { targetsRevision } from '../../runner/common/targets';

export const token = 'a-token-of-the-agents';

/** The controller's side of what agents speak, as small as it can be: holds one bundle, keeps the reports. */
export class TestController {
  readonly reports: AgentReport[] = [];
  /** Paths that were asked for, in order. */
  readonly asked: string[] = [];
  /** Answers in place of the protocol, where set. */
  instead: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  bundle: Bundle | undefined;
  /** What there is to scrape; nothing can be said of it before it is set. */
  targets: string | undefined;
  private waiting: (() => void)[] = [];
  private readonly server = createServer((request, response) => void this.answer(request, response));

  constructor(private readonly engine: EngineName = 'haproxy') {}

  publishTargets(text: string): void {
    this.targets = text;
    for (const wake of this.waiting.splice(0)) wake();
  }

  publish(files: Record<string, string>): string {
    this.bundle = bundleOf(this.engine, '', files);
    for (const wake of this.waiting.splice(0)) wake();
    return this.bundle.revision;
  }

  get last(): AgentReport | undefined {
    return this.reports.at(-1);
  }

  async listen(port = 0, host = '127.0.0.1'): Promise<number> {
    this.server.listen(port, host);
    await once(this.server, 'listening');
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    if (!this.server.listening) return;
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, 'http://controller');
    this.asked.push(`${request.method} ${url.pathname}${url.search}`);
    if (this.instead) return this.instead(request, response);
    const send = (status: number, document?: object) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(document && JSON.stringify(document));
    };
    if (request.headers.authorization !== `Bearer ${token}`) return send(401, {});
    if (request.method === 'PUT' && url.pathname === '/v1/agents') {
      let text = '';
      for await (const piece of request.setEncoding('utf8')) text += piece;
      this.reports.push(JSON.parse(text) as AgentReport);
      return send(204);
    }
    const have = url.searchParams.get('have');
    if (url.pathname === '/v1/targets') {
      if (this.targets === undefined) return send(503, {});
      if (targetsRevision(this.targets) === have) await this.wait(url, response);
      if (targetsRevision(this.targets) === have) return send(304);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(this.targets);
      return;
    }
    if (url.pathname !== `/v1/bundles/${this.engine}`) return send(404, {});
    if (!this.bundle) return send(503, {});
    if (this.bundle.revision === have) await this.wait(url, response);
    if (this.bundle.revision === have) return send(304);
    return send(200, this.bundle);
  }

  private async wait(url: URL, response: ServerResponse): Promise<void> {
    await new Promise<void>((wake) => {
      const timer = setTimeout(wake, Number(url.searchParams.get('wait')) * 1000);
      response.once('close', () => (clearTimeout(timer), wake()));
      this.waiting.push(() => (clearTimeout(timer), wake()));
    });
  }
}
