import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
export const traefikVersion = 'v3.1.0';

/** Builds Traefik from its Go module, without its pages; answers with the program, or undefined where that cannot be done. */
export async function buildTraefik(): Promise<string | undefined> {
  const folder = path.join(__dirname, `../../.cache/bench/traefik-${traefikVersion}`);
  const source = path.join(folder, 'source');
  const program = path.join(folder, 'traefik');
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=mod' };
  const go = (cwd: string, ...words: string[]) => execute('go', words, { cwd, env, maxBuffer: 1 << 26 });
  try {
    const { stdout } = await go(folder, 'mod', 'download', '-json', `github.com/traefik/traefik/v3@${traefikVersion}`);
    cpSync((JSON.parse(stdout) as { Dir: string }).Dir, source, { recursive: true });
    await execute('chmod', ['-R', 'u+w', source]);
    mkdirSync(path.join(source, 'webui/static'), { recursive: true });
    writeFileSync(path.join(source, 'webui/static/index.html'), '');
    await go(source, 'build', '-o', program, './cmd/traefik');
    return program;
  } catch (error) {
    process.stderr.write(`Traefik cannot be built here: ${String(error)}\n`);
    return undefined;
  }
}
