import path from 'node:path';
import t from 'tap';
import agent from '../../runner/commands/agent';
import { layerValues } from '../../runner/commands/parse';
import { failureOf, testContext } from '../common/support';
import { realContext } from '../lab/context';

const run = (flags: Record<string, unknown>) =>
  failureOf(async () => agent.run(realContext(), layerValues(agent, { engine: 'haproxy', ...flags }, {})));

t.test('an option that cannot be is told before anything is done', async (t) => {
  t.match(await run({ controller: 'ftp://controller' }), { code: 'USAGE_INVALID', message: /--controller.*not a URL/ });
  t.match(await run({ drain: 'long' }), { code: 'USAGE_INVALID', message: /--drain is 'long'/ });
  const missing = await failureOf(() => layerValues(agent, {}, testContext().env));
  t.match(missing, { code: 'USAGE_INVALID', message: /--engine is required/ });
});

t.test('a folder that cannot be made is told', async (t) => {
  const file = path.join(t.testdir({ file: '' }), 'file');
  t.match(await run({ folder: path.join(file, 'state') }), { code: 'AGENT_FOLDER', causeText: /ENOTDIR/ });
});
