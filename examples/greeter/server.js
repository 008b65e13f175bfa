'use strict';

const http = require('node:http');
const os = require('node:os');
const { greet, version } = require('./greeting');
const { measure, metrics } = require('./metrics');

let stopping = false;

const server = http.createServer((request, response) => {
  const url = new URL(request.url, 'http://localhost');
  if (stopping) response.setHeader('Connection', 'close');
  if (url.pathname === '/healthz') {
    response.statusCode = stopping ? 503 : 200;
    return response.end('ok\n');
  }
  if (url.pathname === '/metrics') {
    response.setHeader('Content-Type', 'text/plain; version=0.0.4');
    return response.end(metrics());
  }
  measure(response);
  response.setHeader('Content-Type', 'application/json');
  response.end(`${JSON.stringify({ greeting: greet(url.searchParams.get('name')), version, host: os.hostname() })}\n`);
});

server.listen(8080, () => console.log(`greeter ${version} listens on 8080`));

// Requests in flight are answered; the proxy has stopped sending new ones two seconds before this signal.
process.on('SIGTERM', () => {
  stopping = true;
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
