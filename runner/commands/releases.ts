import { configOption, type Command } from './command';
import { stackOption, text } from './shared';

const command: Command = {
  name: 'releases',
  describe: 'List the releases of a stack that can be gone back to, and rollouts that failed',
  examples: [['homeostat releases --stack shop', 'What ran, since when, and where it came from']],
  options: { ...configOption, ...stackOption },
  async run(context, values) {
    const [{ connectEngine }, { listReleases, listRollouts, stateOf }, { stackOfRequest }] = await Promise.all([
      import('../common/engine'),
      import('../pipeline/releases'),
      import('../pipeline/standalone'),
    ]);
    const { stack } = await stackOfRequest(text(values, 'stack'), text(values, 'config')!, context);
    const engine = connectEngine(context);
    const [releases, rollouts] = await Promise.all([
      listReleases(engine, stack, context),
      listRollouts(engine, stack, context),
    ]);
    const rows = [
      ...releases.map(({ data }) => ({
        number: data.number,
        state: 'released',
        ...data.origin,
        services: data.services.map(({ name, image }) => ({ name, image })),
      })),
      ...rollouts.map((record) => ({
        number: record.data.number,
        state: stateOf(record),
        reason: record.labels.reason,
        ...record.data.origin,
        services: record.data.targets.map(({ service, image }) => ({ name: service, image })),
      })),
    ].sort((a, b) => b.number - a.number);
    const lines = rows.map((row) => {
      const what =
        row.kind === 'rollback' ? `rollback to ${row.rollbackTo}` : (row.revision?.slice(0, 12) ?? row.build ?? '');
      const images = row.services.flatMap(({ image }) =>
        image?.includes('@') ? [image.replace(/^(.*)@sha256:(.{12}).*$/, '$1@$2')] : [],
      );
      return `${String(row.number).padStart(4)}  ${row.state.padEnd(15)} ${row.at.slice(0, 19).replace('T', ' ')}  ${what.padEnd(14)} ${row.by}  ${images.join(' ')}${'reason' in row && row.reason ? `\n      ${row.reason}` : ''}`;
    });
    return { result: { stack, releases: rows }, summary: lines.join('\n') || `there is no release of ${stack} yet` };
  },
};

export default command;
