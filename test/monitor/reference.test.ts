import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { usageOf } from '../../runner/monitor/alerts/condition';
import { shortcuts } from '../../runner/monitor/alerts/shortcuts';
import { monitorSettings } from '../../runner/monitor/settings';
import { alerts, render, service } from './support';

const page = readFileSync(path.join(__dirname, '../../docs/metrics-and-alerts.md'), 'utf8');

t.test('the page has every shortcut as it is', async (t) => {
  const rows = page.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
  for (const [name, shortcut] of Object.entries(shortcuts)) {
    const row = rows.find((cells) => cells[1] === `\`${usageOf(name, shortcut)}\``);
    const labels = Object.entries(shortcut.labels).map(([key, value]) => `\`${key}=${value}\``);
    t.same(
      row?.slice(2, 6),
      [shortcut.fires, labels.join(' '), shortcut.dockerFlow ? 'yes' : '', `\`${shortcut.example}\``],
      name,
    );
  }
  t.equal(Object.values(shortcuts).filter(({ dockerFlow }) => dockerFlow).length, 12);
});

t.test('its own shortcut is one', async (t) => {
  const [, own] = /```yaml\n('@queue_long'[^]*?)```/.exec(page)!;
  const { settings, problems } = monitorSettings({}, { shortcuts: { 'alertif-site': own! } });
  t.same(problems, []);
  const { alerts: found } = render([service('shop_web', alerts({ queue: '@queue_long:100' }))], settings);
  t.match(found, [{ expression: 'sum(queue_length{job="shop_web"}) > 100', labels: { scale: 'up' } }]);
});

t.test('every variable of the monitor is on the page', async (t) => {
  const source = readFileSync(path.join(__dirname, '../../runner/monitor/settings.ts'), 'utf8');
  for (const [name] of source.matchAll(/HOMEOSTAT_MONITOR_\w+/g))
    t.ok(page.includes(name) || page.includes(`…_${name.slice('HOMEOSTAT_MONITOR_'.length)}`), name);
});
