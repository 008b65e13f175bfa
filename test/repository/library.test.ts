import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { camelCase } from '../../runner/commands/command';
import { commands } from '../../runner/commands/index';

const folder = path.join(__dirname, '../../vars');
const files = readdirSync(folder);
const steps = files.filter((file) => file.endsWith('.groovy')).map((file) => file.replace(/\.groovy$/, ''));
const read = (file: string) => readFileSync(path.join(folder, file), 'utf8');

/** Steps that are one command of the runner. */
const commandOf: Record<string, string> = {
  imageBuild: 'build',
  imageTest: 'test',
  imagePush: 'push',
  serviceDeploy: 'deploy',
  serviceRollback: 'rollback',
  serviceScale: 'scale',
  serviceHold: 'hold',
  notifySlack: 'notify',
};

/** Steps that are more than one command. */
const others = ['homeostat', 'servicePipeline', 'approval'];

/** The JSON writer, and what Jenkins says of a step that was stopped. */
const imports = ['groovy.json.JsonOutput', 'org.jenkinsci.plugins.workflow.steps.FlowInterruptedException'];

interface Source {
  name: string;
  /** Without comments, and with the text of shell scripts taken out. */
  code: string;
  /** The shell scripts, as the shell gets them. */
  scripts: string[];
}

function parse(name: string): Source {
  const scripts: string[] = [];
  const code = read(`${name}.groovy`)
    .replace(/'''([^]*?)'''/g, (_, script: string) => {
      scripts.push(script.replaceAll('\\\\', '\\'));
      return `'script'`;
    })
    .replace(/\/\*\*[^]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '');
  return { name, code, scripts };
}

const sources = steps.map(parse);

/** What may not stand in a step, and why. */
const forbidden: [RegExp, string][] = [
  [/@NonCPS/, 'a step that needs NonCPS holds logic that belongs into the runner'],
  [/JsonSlurper/, 'its maps cannot be saved across a step'],
  [/@Grab|@Field/, 'state or downloads in a step'],
  [/\bnew [A-Z]/, 'the sandbox allows few constructors'],
  [/\b(System|Thread|Runtime|Jenkins|Class|File|Paths)\b\./, 'the sandbox rejects it'],
  [/\.execute\(/, 'it would run on the controller'],
  [/\.(sort|toSorted|unique|reverseEach)\b/, 'CPS does not translate it'],
  [/[\w)\]]\*\.\w/, 'CPS does not translate the spread operator everywhere'],
  [/for \(;|; ;/, 'CPS does not run a loop without a condition'],
  [/==~|=~/, 'a Matcher cannot be saved across a step'],
  [/\bcatch \((Exception|Throwable|all|ignored)\b/, 'it would swallow a stop of the build'],
  [/\bcurrentBuild\b/, 'a failure is an error, not a result that is set'],
];

t.test('every step has its help page, and every page its step', async (t) => {
  t.same(
    files.filter((file) => file.endsWith('.txt')).map((file) => file.replace(/\.txt$/, '')),
    steps,
  );
  t.same(
    files.filter((file) => !/\.(groovy|txt)$/.test(file)),
    [],
    'Jenkins copies nothing else from vars/',
  );
  t.same(new Set(steps), new Set([...Object.keys(commandOf), ...others]));
});

for (const { name, code, scripts } of sources) {
  t.test(`${name}: keeps the conventions`, async (t) => {
    t.match(code, /^Map call\(Map options = \[:\]\) \{$/m, 'one Map parameter, a Map comes back');
    t.equal(code.match(/\bcall\(/g)?.length, 1, 'one entry');
    for (const [pattern, why] of forbidden) t.notMatch(code, pattern, why);
    for (const line of code.split('\n').filter((line) => /^import /.test(line)))
      t.ok(imports.includes(line.slice('import '.length)), line);
    for (const [signature] of code.matchAll(/^(private )?\w+ \w+\(.*\) \{$/gm))
      t.notMatch(signature, /= \w+\(/, 'a default that is a call does not work under CPS');
    for (const [, argument] of code.matchAll(/toJson\((\w+)\)/g))
      t.match(code, new RegExp(`Map ${argument} = `), 'the sandbox allows toJson of a Map only');
  });

  t.test(`${name}: stays thin`, async (t) => {
    const lines = code.split('\n').filter((line) => line.trim() !== '');
    if (name in commandOf) t.ok(lines.length <= 15, `${lines.length} lines of code`);
    for (const method of code.split(/^(?=(?:private )?\w+ \w+\(.*\) \{$)/m).slice(1)) {
      const length = method.split('\n').filter((line) => line.trim() !== '').length;
      t.ok(length <= 24, `${length} lines in ${method.split('\n')[0]}`);
    }
  });

  t.test(`${name}: sh gets constant text only`, async (t) => {
    for (const [call] of code.matchAll(/\bsh\b\s*[("'].*/g)) {
      t.match(call, /^sh\(.*script: '/, 'a literal in single quotes');
      t.notMatch(call, /script: [^']/, 'not a variable, not an interpolated text');
    }
    t.equal(code.match(/\bsh\(/g)?.length ?? 0, scripts.length);
    for (const script of scripts) {
      t.match(script, /^#!\/bin\/sh\n/, 'its own interpreter: Jenkins would trace every line otherwise');
      const checked = spawnSync('sh', ['-n'], { input: script, encoding: 'utf8' });
      t.equal(checked.stderr, '');
      t.notMatch(script, /\$[A-Za-z{](?![^\n]*")/, 'every variable is quoted');
    }
  });

  t.test(`${name}: declares every variable`, async (t) => {
    for (const [, variable] of code.matchAll(/^\s*(\w+) = /gm))
      t.match(code, new RegExp(`\\b(Map|List|Set|String|int|boolean) ${variable} = `), `${variable} would be shared`);
  });

  t.test(`${name}: the help page says all there is to know`, async (t) => {
    const page = read(`${name}.txt`);
    t.match(page, new RegExp(`^${name}\\(`), 'starts with a call');
    for (const heading of ['Example', 'When it fails']) t.match(page, new RegExp(`^${heading}$`, 'm'));
    t.notMatch(page, /[<>&](script|img|a )/i);
    for (const option of await optionsOf(t, name, code))
      t.match(page, new RegExp(`^  ${option}\\s`, 'm'), `explains ${option}`);
  });
}

/** What the step takes: the options of its command, or those that its code knows. */
async function optionsOf(t: Test, name: string, code: string): Promise<string[]> {
  // The others are for the step itself.
  if (name === 'approval') return ['image', 'config', 'stack', 'askedBy'];
  const command = commandOf[name];
  if (command) return Object.keys((await commands[command]!()).default.options).map(camelCase);
  const known = /(?:known = |keySet\(\) - )(\[[^\]]*\])/.exec(code)?.[1];
  t.ok(known, `${name} says which options it knows`);
  return [...known!.matchAll(/'(\w+)'/g)].map(([, option]) => option!);
}

t.test('the project ships itself with its own steps', async (t) => {
  const jenkinsfile = readFileSync(path.join(folder, '../Jenkinsfile'), 'utf8');
  t.match(jenkinsfile, /^library\(identifier: 'homeostat@[^']*', retriever: legacySCM\(scm\)\)$/m);
  t.match(jenkinsfile, /homeostat\(command: '/);
  t.notMatch(jenkinsfile, /sh\(?\s*"/, 'no interpolated script');
  for (const [, command] of jenkinsfile.matchAll(/command: '(\w+)'/g)) t.ok(command! in commands, `${command}`);
});
