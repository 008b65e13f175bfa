import path from 'node:path';
import { ESLint } from 'eslint';
import t from 'tap';
import tseslint from 'typescript-eslint';

const root = path.join(__dirname, '../..');

/** The project's own rules on a text that stands for a file; without types, since the file does not exist. */
const eslint = new ESLint({ cwd: root, overrideConfig: [tseslint.configs.disableTypeChecked as never] });

async function messages(file: string, text: string): Promise<string[]> {
  const [result] = await eslint.lintText(text, { filePath: path.join(root, file) });
  return result!.messages.filter(({ ruleId }) => ruleId?.includes('restricted')).map(({ message }) => message);
}

const imports = (from: string) => `import { x } from '${from}';\nexport const y = x;\n`;

t.test('imports point down', async (t) => {
  const allowed = [
    ['commands', '../pipeline/deploy'],
    ['pipeline', '../swarm/services'],
    ['pipeline', '../image/build'],
    ['system', '../people/questions'],
    ['people', '../swarm/store'],
    ['image/buildkit', '../../common/errors'],
    ['swarm', './types'],
  ];
  for (const [folder, from] of allowed) {
    t.same(await messages(`runner/${folder}/some.ts`, imports(from!)), [], `${folder} → ${from}`);
  }
});

t.test('an import that points up or sideways is an error', async (t) => {
  const forbidden = [
    ['common', '../swarm/services'],
    ['common', '../commands/cli'],
    ['swarm', '../pipeline/deploy'],
    ['swarm', '../image/build'],
    ['labels', '../proxy/render'],
    ['image/buildkit', '../../pipeline/deploy'],
    ['pipeline', '../commands/command'],
    ['pipeline', '../system/up'],
    ['jobs', '../pipeline/deploy'],
    ['people', '../scaling/decide'],
  ];
  for (const [folder, from] of forbidden) {
    const file = `runner/${folder}/some.ts`;
    t.match(await messages(file, imports(from!)), [/may import from/], `${folder} → ${from}`);
    const later = `export const load = () => import('${from}');\n`;
    t.match(await messages(file, later), [/may import from/], `${folder} → ${from}, loaded later`);
  }
});

t.test('image and swarm may use types of each other', async (t) => {
  const types = `import type { Reference } from '../image/reference';\nexport type Mine = Reference;\n`;
  t.same(await messages('runner/swarm/some.ts', types), []);
  t.match(await messages('runner/common/some.ts', types), [/may import from/]);
});

t.test('only main.ts touches process', async (t) => {
  const text = 'export const home = process.env.HOME;\n';
  t.match(await messages('runner/common/some.ts', text), [/handed in/]);
  t.same(await messages('runner/main.ts', text), []);
});

t.test('folders that decide do not touch the world', async (t) => {
  for (const file of ['runner/labels/a.ts', 'runner/proxy/a.ts', 'runner/scaling/decide.ts']) {
    for (const from of ['node:fs', 'fs/promises', 'node:http', 'node:child_process', 'dockerode'])
      t.match(await messages(file, imports(from)), [/only decides/], `${file}: ${from}`);
    t.match(await messages(file, 'export const now = Date.now();\n'), [/time is handed in/], `${file}: the time`);
  }
  t.same(await messages('runner/swarm/a.ts', imports('node:fs')), []);
});
