import { resource } from '../../common/resources';
import { failed, ok, type Finding } from '../checks/check';
import type { Inside } from './administrator';
import { reaches } from './versions';

interface Plugin {
  name: string;
  version: string;
}

/** The pinned list: `name:version` on each line, and remarks behind `#`. */
export function pinnedPlugins(text = resource('resources/jenkins/plugins.txt')): Plugin[] {
  const lines = text.split('\n').map((line) => line.replace(/#.*/, '').trim());
  return lines.filter(Boolean).map((line) => {
    const [name, version = ''] = line.split(':');
    return { name: name!, version };
  });
}

/** Whether all plugins of the list are there, active, and as new. */
export function judgePlugins(plugins: NonNullable<Inside['plugins']>, pinned = pinnedPlugins()): Finding {
  const names = (list: Plugin[]) => list.map(({ name }) => name).join(', ');
  const missing = pinned.filter(({ name }) => !Object.hasOwn(plugins, name));
  const there = pinned.filter(({ name }) => Object.hasOwn(plugins, name));
  const inactive = there.filter(({ name }) => !plugins[name]!.active);
  const old = there.filter(({ name, version }) => !reaches(plugins[name]!.version, version));
  const told = [
    ...(missing.length > 0 ? [`missing: ${names(missing)}`] : []),
    ...(inactive.length > 0 ? [`not active: ${names(inactive)}`] : []),
    ...old.map(({ name, version }) => `${name} ${plugins[name]!.version} is older than ${version}`),
  ];
  if (told.length === 0) return ok(`all ${pinned.length} are there, active and new enough`);
  const wanted = [...missing, ...old].map(({ name, version }) => (version ? `${name}:${version}` : name));
  return failed(
    told.join('; '),
    wanted.length > 0
      ? `Install them in Manage Jenkins → Plugins, or with: jenkins-plugin-cli --plugins ${wanted.join(' ')}; then restart Jenkins.`
      : 'Enable them in Manage Jenkins → Plugins, look in the log of Jenkins why they did not start, and restart it.',
  );
}
