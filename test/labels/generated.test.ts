import path from 'node:path';
import { readFileSync, readdirSync } from 'node:fs';
import t from 'tap';
import { parse } from 'yaml';
import { z } from 'zod';
import { labelsPage } from '../../build/labels-page';
import { labelsJsonSchema } from '../../build/labels-schema';
import { labelNames } from '../../runner/labels/table';

const schema = z.fromJSONSchema(labelsJsonSchema() as never);
const accepts = (labels: unknown) => schema.safeParse({ services: { web: { deploy: { labels } } } }).success;

t.test('what is wrong is seen in an editor, in list and map', async (t) => {
  for (const [name, value] of [
    ['com.df.port', '80a'],
    ['com.df.port.2', 'x'],
    ['com.df.httpsOnly', 'yes'],
    ['com.df.timeoutServer.3', 'soon'],
    ['com.df.reqMode', 'udp'],
  ]) {
    t.notOk(accepts({ [name!]: value }), `${name}: ${value}`);
    t.notOk(accepts([`${name}=${value}`]), `${name}=${value}`);
  }
  t.notOk(accepts({ 'com.df.port': [80] }));
  t.notOk(accepts([{ 'com.df.port': 80 }]));
  t.notOk(accepts('text'));
});

t.test('what is right, what is not ours and what holds variables is not', async (t) => {
  for (const [name, value] of [
    ['com.df.port', '8080'],
    ['com.df.port.2', '${PORT:-80}'],
    ['com.df.notify', 'true'],
    ['com.df.httpsOnly', ' True '],
    ['com.df.alertIf.1', 'x{a="b"} > 1'],
    ['com.df.env', 'prod'],
    ['org.example.team', 'web'],
  ]) {
    t.ok(accepts({ [name!]: value }), `${name}: ${value}`);
    t.ok(accepts([`${name}=${value}`]), `${name}=${value}`);
  }
  t.ok(accepts({ 'com.df.port': 8080, 'com.df.httpsOnly': true }));
  t.ok(accepts(null));
  const folder = path.join(__dirname, '../fixtures/labels');
  for (const file of readdirSync(folder).filter((name) => name !== 'mistakes.yml')) {
    const stack: unknown = parse(readFileSync(path.join(folder, file), 'utf8'), { merge: true });
    t.same(schema.safeParse(stack).error?.issues ?? [], [], file);
  }
});

t.test('the page has a line for every label', async (t) => {
  const page = labelsPage();
  for (const name of labelNames) t.match(page, new RegExp(`^\\| \`${name.replaceAll('.', '\\.')}\``, 'm'), name);
});
