'use strict';

// Asks the service ten times a second, each time over a new connection, and tells which versions answered:
// node client.js URL SECONDS

const http = require('node:http');

const [address, seconds] = process.argv.slice(2);
let end = Date.now() + Number(seconds) * 1000;
const seen = {};
const failures = {};

function ask() {
  return new Promise((resolve) => {
    const fail = (error) =>
      resolve((failures[error.code ?? error.message] = (failures[error.code ?? error.message] ?? 0) + 1));
    const request = http.get(address, { agent: false, timeout: 5000 }, (response) => {
      let text = '';
      response
        .on('error', fail)
        .on('data', (part) => (text += part))
        .on('end', () => {
          if (response.statusCode !== 200) return fail(new Error(`status ${response.statusCode}`));
          const { version } = JSON.parse(text);
          seen[version] = (seen[version] ?? 0) + 1;
          resolve();
        });
    });
    request.on('error', fail).on('timeout', () => request.destroy(new Error('no answer within 5 s')));
  });
}

async function main() {
  const asked = [];
  while (Date.now() < end) {
    asked.push(ask());
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await Promise.all(asked);
  console.log(JSON.stringify({ seen, failures }));
}

process.on('SIGTERM', () => (end = 0));
main();
