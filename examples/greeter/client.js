'use strict';

// Asks the service ten times a second and tells which versions answered: node client.js URL SECONDS

const [address, seconds] = process.argv.slice(2);
let end = Date.now() + Number(seconds) * 1000;
const seen = {};
let failed = 0;

async function ask() {
  try {
    const response = await fetch(address, { signal: AbortSignal.timeout(5000) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const { version } = await response.json();
    seen[version] = (seen[version] ?? 0) + 1;
  } catch {
    failed++;
  }
}

async function main() {
  const asked = [];
  while (Date.now() < end) {
    asked.push(ask());
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await Promise.all(asked);
  console.log(JSON.stringify({ seen, failed }));
}

process.on('SIGTERM', () => (end = 0));
main();
