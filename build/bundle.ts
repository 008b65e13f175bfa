import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build, type BuildOptions, type Plugin } from 'esbuild';

const root = path.join(__dirname, '..');
const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };

/** The files that the runner writes out or builds from, by their path in the repository. */
function resources(): Record<string, string> {
  const folders = ['resources/images', 'resources/jenkins', 'resources/stacks', 'resources/page', 'examples']
    .map((name) => path.join(root, name))
    .filter(existsSync);
  const entries = folders.flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true }));
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)));
  return Object.fromEntries(files.sort().map((file) => [file, readFileSync(path.join(root, file), 'utf8')]));
}

/**
 * Large packages that one command or two need now and then. They are a text of their own, which is compiled when one of
 * them is asked for: what V8 knows of a text takes several times its size, in every process that runs all day.
 */
const late = [
  'acme-client',
  '@peculiar/x509',
  'reflect-metadata',
  'autocannon',
  '@grpc/grpc-js',
  'protobufjs/light',
  '@prometheus-io/lezer-promql',
  '@slack/web-api',
];

const exportsOfLate = late.map((name) => `${JSON.stringify(name)}: () => require(${JSON.stringify(name)})`);
const lateEntry = `module.exports = {${exportsOfLate.join(', ')}};`;

/** Of the languages that zod speaks one is enough: the others are a tenth of the bundle. */
const englishOnly: Plugin = {
  name: 'english-only',
  setup: ({ onLoad }) =>
    onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
    })),
};

async function textOf(entry: BuildOptions): Promise<string> {
  const { outputFiles } = await build({
    ...entry,
    absWorkingDir: root,
    outfile: 'homeostat.cjs',
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    minify: true,
    keepNames: true,
    legalComments: 'none',
    write: false,
    define: { HOMEOSTAT_VERSION: JSON.stringify(version), HOMEOSTAT_RESOURCES: JSON.stringify(resources()) },
    // ssh2's optional native parts do not travel in one file.
    loader: { '.node': 'empty' },
    external: ['cpu-features', ...(entry.external ?? [])],
    // So that what is asked for late comes by the launcher's require.
    supported: { 'dynamic-import': false },
    plugins: [englishOnly],
    logLevel: 'warning',
  });
  const [{ text } = { text: '' }] = outputFiles!;
  // One other character, as esbuild leaves them in regular expressions, would double the memory that the text takes.
  const odd = /[^\x00-\x7f]/.exec(text); // eslint-disable-line no-control-regex
  if (odd)
    throw new Error(
      `the bundle has the character ${odd[0]}: write it as an escape in ${text.slice(odd.index - 80, odd.index)}`,
    );
  return text.replace(/^#!.*\n/, '');
}

/** Bundles the runner into one file; the same sources give the same bytes on every machine. */
export async function bundle(folder: string): Promise<string> {
  const outfile = path.join(folder, 'homeostat.cjs');
  mkdirSync(folder, { recursive: true });
  const main = await textOf({ entryPoints: ['runner/main.ts'], external: late });
  const rest = await textOf({ stdin: { contents: lateEntry, resolveDir: root } });
  // Replaced in one step: a runner that is starting never reads half a file.
  writeFileSync(`${outfile}.new`, launcher(main, rest), { mode: 0o755 });
  renameSync(`${outfile}.new`, outfile);
  const digest = createHash('sha256').update(readFileSync(outfile)).digest('hex');
  writeFileSync(`${outfile}.sha256`, `${digest}  homeostat.cjs\n`);
  return digest;
}

/**
 * The bundle as strings in a small launcher: V8 would otherwise parse all of it at each start, twice the time of Node.js
 * itself, even for `--version`.
 */
function launcher(main: string, rest: string): string {
  const names = ['exports', 'require', 'module', '__filename', '__dirname'];
  const compile = (code: string) =>
    `vm.compileFunction(${JSON.stringify(code)},${JSON.stringify(names)},{filename:__filename})`;
  const loaded = `let loaded;const late=()=>{if(!loaded){const m={exports:{}};${compile(rest)}(m.exports,require,m,__filename,__dirname);loaded=m.exports}return loaded};`;
  const load = `const load=(id)=>${JSON.stringify(late)}.includes(id)?late()[id]():require(id);`;
  const run = `const vm=require("node:vm");${loaded}${load}${compile(main)}(exports,load,module,__filename,__dirname)`;
  return `#!/usr/bin/env node\n"use strict";if(process.argv[2]==="--version")process.stdout.write(${JSON.stringify(`${version}\n`)});else{${run}}\n`;
}

if (require.main === module) {
  bundle(process.argv[2] ?? path.join(root, 'resources/homeostat')).then(
    (digest) => process.stdout.write(`${digest}\n`),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exitCode = 1;
    },
  );
}
