import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import type { Test } from 'tap';

type Right = 'overall' | 'admin' | 'read' | 'build' | 'cancel' | 'configure';
type Values = Record<string, string>;

interface Build {
  number: number;
  queueId: number;
  parameters: Values;
  building: boolean;
  result: string | null;
  log: string;
  /** Ids of inputs that it waits for, with who may answer besides those who may build. */
  inputs: Map<string, string[]>;
  answers: { id: string; by: string; parameters: Values | undefined }[];
}

interface Job {
  parameters: string[];
  disabled: boolean;
  concurrent: boolean;
  builds: Map<number, Build>;
}

interface Item {
  id: number;
  job: string;
  parameters: Values;
  number?: number;
}

interface Call {
  method: string;
  path: string;
  query: URLSearchParams;
  body: string;
  user: string | undefined;
}

/** What goes wrong with a request; `pass` does what was asked, without an answer. True: it was answered. */
export type Fault = (
  call: Call,
  response: ServerResponse,
  pass: () => Promise<Reply>,
) => boolean | undefined | Promise<boolean | undefined>;

interface Reply {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

const version = '2.528.2';
const page = (text: string) => `<!DOCTYPE html><html><head><title>Jenkins</title></head><body>${text}</body></html>`;
const json = (document: unknown): Reply => ({ status: 200, body: JSON.stringify(document) });

/**
 * A stand-in for a Jenkins, which answers as a real one was observed to, and is strict: what a Jenkins would not know, or
 * what nobody needs, is kept as a violation.
 */
export class JenkinsServer {
  readonly calls: Call[] = [];
  readonly violations: string[] = [];
  readonly faults: Fault[] = [];
  readonly users = new Map<string, { token: string; password: string; rights: Set<Right> }>();
  readonly jobs = new Map<string, Job>();
  readonly items: Item[] = [];
  /** Items become builds at once. */
  free = true;
  /** Builds end at once. */
  quick = true;
  anonymousReads = false;
  crumbs = true;
  stages = true;
  jenkins: string | undefined = version;
  /** What Jenkins believes to be its address; undefined: the one by which it is asked. */
  rootUrl: string | undefined;
  /** What a script of an administrator prints. */
  script: (text: string) => string | Promise<string> = () => '';
  url = '';
  private server: http.Server | undefined;

  async start(t: Test, tls?: { certificate: string; key: string }): Promise<this> {
    const answer = (request: IncomingMessage, response: ServerResponse) => void this.take(request, response);
    this.server = tls ? https.createServer({ cert: tls.certificate, key: tls.key }, answer) : http.createServer(answer);
    await new Promise<void>((resolve) => this.server!.listen(0, '127.0.0.1', resolve));
    t.teardown(() => this.stop());
    this.url = `${tls ? 'https' : 'http'}://127.0.0.1:${(this.server.address() as AddressInfo).port}/ci/`;
    this.user('tester', ['overall', 'read', 'build', 'cancel']);
    return this;
  }

  stop(): void {
    this.server?.closeAllConnections();
    this.server?.close();
  }

  user(name: string, rights: Right[]): this {
    this.users.set(name, { token: `11${name}-token`, password: `${name}-password`, rights: new Set(rights) });
    return this;
  }

  access(name = 'tester') {
    return { url: this.url, user: name, token: this.users.get(name)!.token };
  }

  job(name: string, parameters: string[] = [], more: Partial<Job> = {}): Job {
    const job = { parameters, disabled: false, concurrent: false, builds: new Map(), ...more };
    this.jobs.set(name, job);
    return job;
  }

  /** Builds of a job, oldest first. */
  builds = (job: string): Build[] => [...(this.jobs.get(job)?.builds.values() ?? [])];

  posts = (): string[] => this.calls.filter(({ method }) => method === 'POST').map(({ path }) => path);

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readText(request);
    const address = new URL(request.url!, 'http://x');
    const [, basic] = /^Basic (.+)$/.exec(request.headers.authorization ?? '') ?? [];
    const [, name, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(basic ?? '', 'base64').toString()) ?? [];
    const known = name === undefined ? undefined : this.users.get(name);
    const user = known && (secret === known.token || secret === known.password) ? name : undefined;
    const call: Call = {
      ...{ method: request.method!, path: address.pathname.replace(/^\/ci\//, ''), query: address.searchParams },
      ...{ body, user },
    };
    this.calls.push(call);
    if (!address.pathname.startsWith('/ci/')) this.violations.push(`${call.path} is not below /ci/`);
    const pass = async (): Promise<Reply> => {
      if (name !== undefined && user === undefined)
        return {
          status: 401,
          headers: { 'www-authenticate': 'Basic realm="Jenkins"' },
          body: page('Invalid password/token'),
        };
      if (call.method === 'POST' && this.crumbs && known && secret === known.password)
        return { status: 403, body: page('No valid crumb was included in the request') };
      return this.answer(call);
    };
    for (const fault of [...this.faults]) if (await fault(call, response, pass)) return;
    const reply = await pass();
    response.writeHead(reply.status, {
      ...(this.jenkins && (reply.status === 403 || call.path === 'login' || call.path.endsWith('api/json'))
        ? { 'X-Jenkins': this.jenkins, 'X-Jenkins-Session': '1' }
        : {}),
      'Content-Type': /^[[{]/.test(reply.body ?? '') ? 'application/json;charset=utf-8' : 'text/html;charset=utf-8',
      ...reply.headers,
    });
    response.end(reply.body ?? '');
  }

  private may(call: Call, right: Right): boolean {
    if (call.user === undefined) return this.anonymousReads && (right === 'overall' || right === 'read');
    const { rights } = this.users.get(call.user)!;
    return rights.has('admin') || rights.has(right);
  }

  private async answer(call: Call): Promise<Reply> {
    const { method, path } = call;
    if (path === 'login') return { status: 200, body: page('<form action="j_spring_security_check">Sign in</form>') };
    if (!this.may(call, 'overall')) return { status: 403, body: page('Authentication required') };
    if (path === 'api/json')
      return this.document(call, { url: this.root(), useCrumbs: this.crumbs, useSecurity: true, mode: 'NORMAL' });
    if (path === 'crumbIssuer/api/json')
      return this.crumbs ? json({ crumb: 'x', crumbRequestField: 'Jenkins-Crumb' }) : { status: 404 };
    if (path === 'scriptText') {
      if (method !== 'POST') return { status: 405 };
      if (!this.may(call, 'admin'))
        return { status: 403, body: page('tester is missing the Overall/Administer permission') };
      return {
        status: 200,
        headers: { 'Content-Type': 'text/plain' },
        body: await this.script(new URLSearchParams(call.body).get('script')!),
      };
    }
    if (path === 'queue/api/json')
      return this.document(call, {
        items: this.items.filter(({ number }) => number === undefined).map((item) => this.itemDocument(item)),
      });
    const [, item] = /^queue\/item\/(\d+)\/api\/json$/.exec(path) ?? [];
    if (item !== undefined) {
      const found = this.items.find(({ id }) => id === Number(item));
      return found ? this.document(call, this.itemDocument(found)) : { status: 404, body: page('Not found') };
    }
    const [, folders, rest] = /^((?:job\/[^/]+\/)+)(.*)$/.exec(path) ?? [];
    if (folders === undefined) return this.odd(call);
    const name = [...folders.matchAll(/job\/([^/]+)\//g)].map(([, part]) => decodeURIComponent(part!)).join('/');
    const job = this.jobs.get(name);
    if (!job || !this.may(call, 'read')) return { status: 404, body: page('Not found') };
    return this.answerJob(call, name, job, rest!);
  }

  private async answerJob(call: Call, name: string, job: Job, rest: string): Promise<Reply> {
    if (rest === 'api/json') {
      const last = [...job.builds.values()].at(-1);
      return this.document(call, {
        ...{ name: name.split('/').at(-1), fullName: name, disabled: job.disabled, buildable: !job.disabled },
        ...{
          concurrentBuild: job.concurrent,
          lastBuild: last ? { number: last.number, url: `${this.root()}${last.number}/` } : null,
        },
        builds: [...job.builds.values()].map(({ number }) => ({ number })),
        property: [
          {
            _class: 'hudson.model.ParametersDefinitionProperty',
            parameterDefinitions: job.parameters.map((parameter) => ({
              name: parameter,
              type: 'StringParameterDefinition',
            })),
          },
        ],
      });
    }
    if (rest === 'build' || rest === 'buildWithParameters') return this.queue(call, name, job, rest);
    const [, number, below] = /^(\d+)\/(.*)$/.exec(rest) ?? [];
    const build = job.builds.get(Number(number));
    if (!build) return number === undefined ? this.odd(call) : { status: 404, body: page('Not found') };
    return this.answerBuild(call, build, below!);
  }

  private queue(call: Call, name: string, job: Job, verb: string): Reply {
    if (call.method !== 'POST') return { status: 405 };
    if (!this.may(call, 'build')) return { status: 403, body: page('missing the Job/Build permission') };
    if (job.disabled) return { status: 409, body: page(`${name} is not buildable`) };
    if ((verb === 'build') !== (job.parameters.length === 0)) return { status: 400, body: page('is parameterized') };
    if (call.query.get('delay') !== '0sec') this.violations.push('a build with the quiet period');
    const form = new URLSearchParams(call.body);
    const parameters = Object.fromEntries(
      job.parameters.map((each) => [each, form.get(each) ?? call.query.get(each) ?? '']),
    );
    const twin = this.items.find(
      (item) =>
        item.number === undefined &&
        item.job === name &&
        JSON.stringify(item.parameters) === JSON.stringify(parameters),
    );
    const item = twin ?? { id: this.items.length + 1, job: name, parameters };
    if (!twin) this.items.push(item);
    if (this.free) this.begin(item);
    return { status: twin ? 303 : 201, headers: { location: `${this.root()}queue/item/${item.id}/` } };
  }

  /** An item of the queue becomes a build. */
  begin(item: Item): Build {
    const { builds } = this.jobs.get(item.job)!;
    const build: Build = {
      ...{ number: builds.size + 1, queueId: item.id, parameters: item.parameters, building: !this.quick },
      ...{
        result: this.quick ? 'SUCCESS' : null,
        log: `Started by user ${item.job}\n`,
        inputs: new Map(),
        answers: [],
      },
    };
    item.number = build.number;
    builds.set(build.number, build);
    return build;
  }

  private answerBuild(call: Call, build: Build, rest: string): Reply {
    const post = call.method === 'POST';
    if (rest === 'api/json')
      return this.document(call, {
        ...{
          number: build.number,
          url: `${this.root()}job/x/${build.number}/`,
          building: build.building,
          result: build.result,
        },
        ...{ queueId: build.queueId, actions: this.actions(build.parameters), changeSets: [], culprits: [] },
      });
    if (rest === 'logText/progressiveText') {
      const all = Buffer.from(build.log);
      const more: Record<string, string> = build.building ? { 'X-More-Data': 'true' } : {};
      return {
        status: 200,
        headers: { 'Content-Type': 'text/plain', 'X-Text-Size': String(all.length), ...more },
        body: all.subarray(Number(call.query.get('start'))).toString(),
      };
    }
    if (rest === 'stop') {
      if (!post) return { status: 405 };
      if (!this.may(call, 'cancel')) return { status: 403, body: page('missing the Job/Cancel permission') };
      Object.assign(build, build.building ? { building: false, result: 'ABORTED' } : {});
      return { status: 302, headers: { location: `${this.root()}job/x/${build.number}/` } };
    }
    if (rest === 'wfapi/pendingInputActions')
      return this.stages ? json([...build.inputs.keys()].map((id) => ({ id, message: `${id}?` }))) : { status: 404 };
    const [, id, verb] = /^input\/([^/]+)\/(submit|proceedEmpty|abort)$/.exec(rest) ?? [];
    if (id === undefined) return this.odd(call);
    if (!post) return { status: 405 };
    if (!build.inputs.has(id)) return { status: 404, body: page('Not found') };
    const { inputs } = build;
    if (!this.may(call, 'build') && !inputs.get(id)!.includes(call.user ?? ''))
      return { status: 400, body: page('You need to be …') };
    const form = new URLSearchParams(call.body);
    if (verb === 'submit' && form.get('proceed') === null)
      return { status: 400, body: page('Form is missing its button') };
    const values =
      verb === 'submit'
        ? (JSON.parse(form.get('json')!) as { parameter: { name: string; value: string }[] })
        : undefined;
    inputs.delete(id);
    if (verb === 'abort') Object.assign(build, { building: false, result: 'ABORTED' });
    else
      build.answers.push({
        id,
        by: call.user!,
        parameters: values && Object.fromEntries(values.parameter.map(({ name, value }) => [name, value])),
      });
    return verb === 'submit' ? { status: 302, headers: { location: '../../' } } : { status: 200 };
  }

  private itemDocument = (item: Item) => ({
    ...{ id: item.id, why: item.number === undefined ? 'Waiting for next available executor' : null },
    ...{
      task: { name: item.job.split('/').at(-1), url: 'x'.repeat(200), color: 'blue' },
      actions: this.actions(item.parameters),
    },
    ...(item.number === undefined ? {} : { executable: { number: item.number, url: 'x' } }),
    ...{ inQueueSince: 0, params: 'x'.repeat(200), stuck: false, url: `queue/item/${item.id}/` },
  });

  private actions = (parameters: Values) => [
    {
      _class: 'hudson.model.ParametersAction',
      parameters: Object.entries(parameters).map(([name, value]) => ({ name, value })),
    },
    { _class: 'hudson.model.CauseAction', causes: [{ shortDescription: 'Started by user' }] },
    {},
  ];

  private root = () => this.rootUrl ?? this.url;

  /** A document, of which only what `tree=` names is told; who reads everything of a Jenkins is told of. */
  private document({ path, query }: Call, whole: object): Reply {
    const tree = query.get('tree');
    if (tree === null) this.violations.push(`${path} without tree=`);
    return json(tree === null ? whole : prune(whole, parseTree(tree)));
  }

  private odd({ method, path }: Call): Reply {
    this.violations.push(`${method} ${path}`);
    return { status: 404, body: page('Not found') };
  }
}

type Tree = Map<string, Tree | undefined>;

/** `a,b[c,d]`, as Jenkins reads it; names that are not there are left out. */
function parseTree(text: string): Tree {
  const tree: Tree = new Map();
  const word = /([A-Za-z_]+)(\[)?/y;
  for (let at = 0; at < text.length;) {
    word.lastIndex = at;
    const [all, name, open] = word.exec(text) ?? [];
    if (all === undefined) throw new Error(`tree=${text} at ${at}`);
    at += all.length;
    if (open) {
      const begin = at;
      for (let depth = 1; depth > 0; at++) depth += { '[': 1, ']': -1 }[text[at]!] ?? 0;
      tree.set(name!, parseTree(text.slice(begin, at - 1)));
    } else tree.set(name!, undefined);
    if (text[at] === ',') at++;
  }
  return tree;
}

function prune(value: unknown, tree: Tree | undefined): unknown {
  if (Array.isArray(value)) return value.map((each) => prune(each, tree));
  if (typeof value !== 'object' || value === null || tree === undefined) return value;
  const kept = Object.entries(value).filter(([name]) => tree.has(name) || name === '_class');
  return Object.fromEntries(kept.map(([name, each]) => [name, prune(each, tree.get(name))]));
}
