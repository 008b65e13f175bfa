import { compare } from './admit';
import type { ProxiedService, ProxySettings } from './model';

/** Status codes for which HAProxy has a page. */
const codes = new Set([400, 403, 404, 405, 408, 410, 413, 425, 429, 500, 501, 502, 503, 504]);

const maintenancePage = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Maintenance</title></head>
<body><h1>Maintenance</h1><p>This service is being worked on. Please try again in a few minutes.</p></body></html>
`;

/** The operator's pages by file, and lines of `defaults` that name them. */
export function errorPages(
  settings: ProxySettings,
  services: ProxiedService[],
): { files: Record<string, string>; lines: string[] } {
  const files: Record<string, string> = {};
  const lines: string[] = [];
  for (const [code, html] of Object.entries(settings.errorPages).sort(([a], [b]) => compare(a, b))) {
    if (!codes.has(Number(code))) continue;
    files[`errors/${code}.http`] = answerOf(code, html);
    lines.push(`errorfile ${code} errors/${code}.http`);
  }
  const maintained = services.some(({ description }) =>
    description.destinations.some(({ maintenance }) => maintenance),
  );
  if (maintained) files['errors/maintenance.html'] = settings.errorPages.maintenance ?? maintenancePage;
  return { files, lines };
}

const reasons: Record<string, string> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Time-out',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Time-out',
};

const answerOf = (code: string, html: string): string =>
  [
    `HTTP/1.1 ${code} ${reasons[code] ?? 'Error'}`,
    `Content-Length: ${Buffer.byteLength(html)}`,
    'Cache-Control: no-cache',
    'Content-Type: text/html; charset=utf-8',
    '',
    html,
  ].join('\r\n');
