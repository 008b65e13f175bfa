import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

const root = path.join(__dirname, '..');
const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };

/** The files that the runner writes out or builds from, by their path in the repository. */
function resources(): Record<string, string> {
  const folders = ['resources/images', 'resources/stacks', 'examples']
    .map((name) => path.join(root, name))
    .filter(existsSync);
  const entries = folders.flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true }));
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)));
  return Object.fromEntries(files.sort().map((file) => [file, readFileSync(path.join(root, file), 'utf8')]));
}

/** Bundles the runner into one file; the same sources give the same bytes on every machine. */
export async function bundle(folder: string): Promise<string> {
  const outfile = path.join(folder, 'homeostat.cjs');
  mkdirSync(folder, { recursive: true });
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['runner/main.ts'],
    outfile,
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
    external: ['cpu-features'],
    logLevel: 'warning',
  });
  const [{ text } = { text: '' }] = outputFiles;
  // One other character, as esbuild leaves them in regular expressions, would double the memory that the text takes.
  const odd = /[^\x00-\x7f]/.exec(text); // eslint-disable-line no-control-regex
  if (odd)
    throw new Error(
      `the bundle has the character ${odd[0]}: write it as an escape in ${text.slice(odd.index - 80, odd.index)}`,
    );
  // Replaced in one step: a runner that is starting never reads half a file.
  writeFileSync(`${outfile}.new`, launcher(text), { mode: 0o755 });
  renameSync(`${outfile}.new`, outfile);
  const digest = createHash('sha256').update(readFileSync(outfile)).digest('hex');
  writeFileSync(`${outfile}.sha256`, `${digest}  homeostat.cjs\n`);
  return digest;
}

/**
 * The bundle as a string in a small launcher: V8 would otherwise parse all of it at each start, twice the time of Node.js
 * itself, even for `--version`.
 */
function launcher(code: string): string {
  const names = ['exports', 'require', 'module', '__filename', '__dirname'];
  const compile = `vm.compileFunction(${JSON.stringify(code.replace(/^#!.*\n/, ''))},${JSON.stringify(names)},{filename:__filename,importModuleDynamically:vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER})(${names.join(',')})`;
  return `#!/usr/bin/env node\n"use strict";if(process.argv[2]==="--version")process.stdout.write(${JSON.stringify(`${version}\n`)});else{const vm=require("node:vm");${compile}}\n`;
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
