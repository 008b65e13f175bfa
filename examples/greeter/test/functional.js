'use strict';

const test = require('node:test');
const assert = require('node:assert');

const address = process.env.SERVICE_URL;

test('answers with a greeting', async () => {
  const response = await fetch(`${address}/?name=Ada`);
  assert.strictEqual(response.status, 200);
  assert.strictEqual((await response.json()).greeting, 'Hello, Ada!');
});

test('says that it is healthy', async () => {
  assert.strictEqual((await fetch(`${address}/healthz`)).status, 200);
});

test('tells what Prometheus is to measure', async () => {
  const text = await (await fetch(`${address}/metrics`)).text();
  assert.match(text, /^greeter_requests_total [1-9]/m);
  assert.match(text, /^http_server_resp_time_count\{code="200"\} [1-9]/m);
});
