import type { AxiosInstance, AxiosResponse } from 'axios';
import type { Context } from '../../common/context';
import { messageOf } from '../../common/errors';
import { jobPath } from '../../common/job-path';
import { connect, lastingFault } from '../../jenkins/connection';
import { complaintOf, type Complaint } from '../../jenkins/statuses';
import { doctorScript, readInside, type Inside } from './administrator';
import type { JenkinsDoctorSettings } from './settings';

/** What came of one look: a document, or why there is none. */
export interface Look<T> {
  /** 0: nobody answered. */
  status: number;
  document?: T;
  complaint?: Complaint;
  /** As Jenkins tells it in a header. */
  version?: string;
}

export interface JobDocument {
  buildable: boolean;
  disabled?: boolean;
  concurrentBuild?: boolean;
  property?: { parameterDefinitions?: { name: string }[] }[];
}

/** What was read of a Jenkins before anything is judged. */
export interface JenkinsFacts extends JenkinsDoctorSettings {
  /** The login page, which everybody may see. */
  login: Look<string>;
  /** As who asks, and as nobody. */
  root: Look<{ url?: string | null }>;
  anonymous: Look<object>;
  crumbs: Look<object>;
  document: Look<JobDocument>;
  inside: Look<Inside>;
}

/** Milliseconds for one answer: everything is asked at once. */
const answerLimit = 2500;

/** Asks everything at the same time, in bounded time; nothing is changed. */
export async function readJenkins(settings: JenkinsDoctorSettings, context: Context): Promise<JenkinsFacts> {
  const { access } = settings;
  const somebody = connect(access, answerLimit);
  const nobody = connect({ ...access, user: '', token: '' }, answerLimit);
  const { signal } = context;
  const get = <T>(http: AxiosInstance, path: string) => look<T>(() => http.get<string>(path, { signal }), asJson);
  const tree = encodeURIComponent('buildable,disabled,concurrentBuild,property[parameterDefinitions[name]]');
  const script = new URLSearchParams({ script: doctorScript(settings) }).toString();
  const [login, root, anonymous, crumbs, document, inside] = await Promise.all([
    look(() => nobody.get<string>('login', { signal }), asText),
    get<{ url?: string | null }>(somebody, 'api/json?tree=url'),
    get<object>(nobody, 'api/json?tree=url'),
    get<object>(somebody, 'crumbIssuer/api/json?tree=crumbRequestField'),
    get<JobDocument>(somebody, `${jobPath(settings.job)}/api/json?tree=${tree}`),
    look(() => somebody.post<string>('scriptText', script, { signal }), readInside),
  ]);
  context.signal.throwIfAborted();
  return { ...settings, login, root, anonymous, crumbs, document, inside };
}

type Read<T> = { document: T } | { problem: string };

const isPage = (text: string) => /^\s*</.test(text);

const asText = (text: string): Read<string> => ({ document: text });

function asJson<T>(text: string): Read<T> {
  try {
    return { document: JSON.parse(text) as T };
  } catch {
    return { problem: 'it is no JSON' };
  }
}

async function look<T>(ask: () => Promise<AxiosResponse<string>>, read: (text: string) => Read<T>): Promise<Look<T>> {
  try {
    const answer = await ask();
    const version = answer.headers['x-jenkins'] as string | undefined;
    const seen = { status: answer.status, ...(version ? { version } : {}) };
    if (answer.status !== 200) return { ...seen, complaint: complaintOf(answer) };
    const found = read(answer.data);
    if ('document' in found) return { ...seen, document: found.document };
    return { ...seen, complaint: isPage(answer.data) ? complaintOf(answer) : { cause: found.problem } };
  } catch (error) {
    return { status: 0, complaint: lastingFault(error) ?? { cause: messageOf(error) } };
  }
}
