import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

const root = path.join(__dirname, '..');
const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };

/** Bundles the runner into one file; the same sources give the same bytes on every machine. */
export async function bundle(folder: string): Promise<string> {
  const outfile = path.join(folder, 'homeostat.cjs');
  mkdirSync(folder, { recursive: true });
  await build({
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
    charset: 'utf8',
    define: { HOMEOSTAT_VERSION: JSON.stringify(version) },
    // Files of resources/ that the runner needs travel inside it; ssh2's optional native parts do not.
    loader: { '.node': 'empty', '.yml': 'text', '.Dockerfile': 'text' },
    external: ['cpu-features'],
    logLevel: 'warning',
  });
  const digest = createHash('sha256').update(readFileSync(outfile)).digest('hex');
  writeFileSync(`${outfile}.sha256`, `${digest}  homeostat.cjs\n`);
  return digest;
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
