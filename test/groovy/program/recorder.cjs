// Stands in for the runner: writes down what it is asked and answers as answers.json says.
const fs = require('node:fs');
const folder = process.env.RECORDER;
const command = process.argv[2];
const answers = fs.existsSync(`${folder}/answers.json`) ? JSON.parse(fs.readFileSync(`${folder}/answers.json`, 'utf8')) : {};
const only = JSON.parse(process.env.HOMEOSTAT_PARAMETERS ?? '{}').only;
const answer = answers[`${command} ${only}`] ?? answers[command] ?? {};
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(PATH|HOME|LANG|PWD|OLDPWD|SHLVL|_)$/.test(name)));
const note = (extra) =>
  fs.appendFileSync(
    `${folder}/calls.jsonl`,
    `${JSON.stringify({ command, arguments: process.argv.slice(2), parameters: process.env.HOMEOSTAT_PARAMETERS, environment, ...extra })}\n`,
  );

function finish() {
  for (const [file, text] of Object.entries(answer.reports ?? {})) {
    fs.mkdirSync(require('node:path').dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
  }
  const text = answer.raw ?? JSON.stringify(answer.result ?? { command });
  if (!answer.none) fs.writeFileSync(process.env.HOMEOSTAT_RESULT, text);
  process.exit(answer.exit ?? 0);
}

note({});
if (answer.wait) {
  process.on('SIGTERM', () => {
    fs.writeFileSync(`${folder}/stopped-${command}`, '');
    process.exit(143);
  });
  fs.writeFileSync(`${folder}/started-${command}`, '');
  setTimeout(finish, answer.wait);
} else finish();
