import { parse } from 'yaml';
import { promDuration } from './alerts/promql-text';
import { joinTrees, isMap, type YamlMap, type YamlValue } from './settings-tree';

/** Sections of prometheus.yml that the operator may add to, and of what kind each is. */
const sections: Record<string, 'map' | 'list'> = {
  global: 'map',
  alerting: 'map',
  storage: 'map',
  tracing: 'map',
  scrape_configs: 'list',
  remote_write: 'list',
  remote_read: 'list',
};

/** Keys of `global` in Prometheus 2.42 and 2.53. */
const globals = ['scrape_interval', 'scrape_timeout', 'evaluation_interval', 'external_labels', 'query_log_file'];

/** Names of jobs that the system has. */
const reserved = (name: string) => /^homeostat-|^(?:services|outside)$/.test(name);

const longest = 1024 * 1024;

/** Settings in the form of prometheus.yml, from one file. */
export function readExtraSettings(text: string, file: string): { extra: YamlMap; problems: string[] } {
  const { value, problem } = readYaml(text, file);
  if (problem !== undefined) return { extra: {}, problems: [problem] };
  if (!isMap(value)) return { extra: {}, problems: [`${file} is not a map, such as prometheus.yml is`] };
  const problems: string[] = [];
  const kept = Object.entries(value).filter(([key, section]) => {
    const kind = Object.hasOwn(sections, key) ? sections[key] : undefined;
    if (kind === undefined)
      problems.push(`${file}: '${key.slice(0, 60)}' cannot be set; allowed is ${Object.keys(sections).join(', ')}`);
    else if (kind === 'list' ? !Array.isArray(section) : !isMap(section))
      problems.push(`${file}: '${key}' is not a ${kind}`);
    else return true;
    return false;
  });
  return { extra: Object.fromEntries(kept), problems };
}

/** All jobs of the files `scrape_*`: a list of them, or a map with `scrape_configs`. */
export function readScrapeFiles(files: Record<string, string>): { jobs: YamlValue[]; problems: string[] } {
  const jobs: YamlValue[] = [];
  const problems: string[] = [];
  for (const file of Object.keys(files).sort()) {
    const { value, problem } = readYaml(files[file]!, file);
    const list =
      isMap(value) && Array.isArray(value.scrape_configs) ? value.scrape_configs : isMap(value) ? [value] : value;
    if (problem !== undefined) problems.push(problem);
    else if (!Array.isArray(list)) problems.push(`${file} is not a list of scrape_configs`);
    else jobs.push(...list);
  }
  return { jobs, problems };
}

function readYaml(text: string, file: string): { value?: YamlValue; problem?: string } {
  if (text.length > longest) return { problem: `${file} has more than ${longest} characters` };
  try {
    // What people indent as a whole is the same without.
    return { value: parse(text, { maxAliasCount: 100, merge: true }) as YamlValue };
  } catch (error) {
    return { problem: `${file} is not valid YAML: ${(error as Error).message.split('\n')[0]}` };
  }
}

/** Several sources as one, without what Prometheus would refuse a whole configuration for, as far as that is known here. */
export function settleExtra(trees: YamlMap[]): { extra: YamlMap; problems: string[] } {
  const problems: string[] = [];
  const extra = trees.reduce<YamlMap>(joinTrees, {});
  if (isMap(extra.global)) extra.global = settleGlobal(extra.global, problems);
  if (Array.isArray(extra.scrape_configs)) {
    const known = new Set<string>();
    extra.scrape_configs = extra.scrape_configs.filter((job) => {
      const name = isMap(job) ? job.job_name : undefined;
      if (typeof name !== 'string' || name === '')
        problems.push('scrape_configs has a job without job_name; it is left out');
      else if (reserved(name) || known.has(name))
        problems.push(`scrape_configs has a second job named '${name.slice(0, 80)}'; it is left out`);
      else {
        known.add(name);
        return true;
      }
      return false;
    });
  }
  for (const key of ['remote_write', 'remote_read'])
    if (Array.isArray(extra[key]))
      extra[key] = extra[key].filter((each) => {
        const good = isMap(each) && typeof each.url === 'string' && URL.canParse(each.url);
        if (!good) problems.push(`${key} has an entry without a url; it is left out`);
        return good;
      });
  return { extra, problems };
}

function settleGlobal(written: YamlMap, problems: string[]): YamlMap {
  const kept = Object.entries(written).filter(([key, value]) => {
    if (!globals.includes(key))
      problems.push(`global.${key.slice(0, 60)} is not known; allowed is ${globals.join(', ')}`);
    else if (/interval$|timeout$/.test(key) && !((promDuration(String(value)) ?? 0) > 0))
      problems.push(`global.${key} is '${String(value).slice(0, 40)}'; allowed is a time such as 10s`);
    else if (key === 'external_labels' && !isLabelMap(value))
      problems.push('global.external_labels is not a map of names of letters, digits and underscores');
    else return true;
    return false;
  });
  return Object.fromEntries(kept);
}

const isLabelMap = (value: YamlValue): boolean =>
  isMap(value) &&
  Object.entries(value).every(([name, text]) => /^[A-Za-z_]\w*$/.test(name) && typeof text !== 'object');
