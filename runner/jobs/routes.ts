const table = {
  home: ['GET', ''],
  login: ['GET', 'login'],
  root: ['GET', 'api/json'],
  crumb: ['GET', 'crumbIssuer/api/json'],
  queue: ['GET', 'queue/api/json'],
  queueItemPage: ['GET', 'queue/item/:item'],
  queueItem: ['GET', 'queue/item/:item/api/json'],
  notifyCommit: ['GET POST', 'git/notifyCommit'],
  github: ['POST', 'github-webhook'],
  gitea: ['POST', 'gitea-webhook/post'],
  build: ['POST', 'job/:job/build'],
  buildWithParameters: ['POST', 'job/:job/buildWithParameters'],
  job: ['GET', 'job/:job/api/json'],
  jobPage: ['GET', 'job/:job'],
  buildPage: ['GET', 'job/:job/:build'],
  buildJson: ['GET', 'job/:job/:build/api/json'],
  consoleText: ['GET', 'job/:job/:build/consoleText'],
  progressiveText: ['GET POST', 'job/:job/:build/logText/progressiveText'],
  stop: ['POST', 'job/:job/:build/stop'],
  ping: ['GET', 'v1/ping'],
  scaleService: ['POST', 'v1/scale-service'],
  scaleNodes: ['POST', 'v1/scale-nodes'],
  rescheduleServices: ['POST', 'v1/reschedule-services'],
  rescheduleService: ['POST', 'v1/reschedule-service'],
} as const;

export type RouteName = keyof typeof table;

export interface Match {
  name: RouteName;
  /** Decoded parts of the path. */
  parts: { job?: string; build?: string; item?: string };
  /** Methods that the address knows. */
  methods: string[];
}

const routes = Object.entries(table).map(([name, [methods, pattern]]) => ({
  name: name as RouteName,
  methods: methods.split(' '),
  words: pattern.split('/').filter(Boolean),
}));

/** The route of a path, or undefined. Slashes at the end do not count. @throws URIError when the path is badly encoded */
export function matchRoute(path: string): Match | undefined {
  const words = path.split('/').filter(Boolean).map(decodeURIComponent);
  for (const route of routes) {
    if (route.words.length !== words.length) continue;
    if (!route.words.every((word, index) => word.startsWith(':') || word === words[index])) continue;
    const parts = route.words.flatMap((word, index) => (word.startsWith(':') ? [[word.slice(1), words[index]!]] : []));
    return { name: route.name, methods: route.methods, parts: Object.fromEntries(parts) as Match['parts'] };
  }
  return undefined;
}
