import { setFlagsFromString } from 'node:v8';
import type { Context } from '../common/context';
import { connectEngine } from '../common/engine';
import { fail } from '../common/errors';
import type { Certificates } from '../controller/controller';
import type { Command, Values } from './command';
import { executorsFor } from './executors';
import { parseListen, text } from './shared';

const command: Command = {
  name: 'controller',
  describe: "Turn the services' labels into the configuration of the proxy, and serve it to the agents",
  examples: [
    ['homeostat controller', 'Serve on port 7080, with tokens from /run/secrets'],
    ['homeostat controller --listen 127.0.0.1:7080 --agent-token-file a --reader-token-file r', 'Try it by hand'],
  ],
  options: {
    listen: { type: 'string', describe: 'Address to listen on, HOST:PORT', default: '0.0.0.0:7080' },
    'agent-token-file': {
      type: 'string',
      describe: 'File with the token of the agents',
      default: '/run/secrets/homeostat-agent-token',
    },
    'reader-token-file': {
      type: 'string',
      describe: 'File with the token of those who read status and metrics',
      default: '/run/secrets/homeostat-reader-token',
    },
    'writer-token-file': {
      type: 'string',
      describe: 'File with the token of those who may also upload certificates (default: nobody may)',
    },
    'tls-certificate': { type: 'string', describe: 'File with certificate and chain: HTTPS instead of HTTP' },
    'tls-key': { type: 'string', describe: 'File with the key of that certificate' },
    prefix: { type: 'string', describe: 'What labels begin with', default: 'com.df.' },
    'notify-label': {
      type: 'string',
      describe: 'Label by which a service takes part (default: DF_NOTIFY_LABEL, else the prefix and notify)',
    },
    'listener-access': {
      type: 'string',
      choices: ['token', 'open'],
      describe: 'Whether the addresses of docker-flow-swarm-listener need the token',
      default: 'token',
    },
    'secrets-folder': { type: 'string', describe: "Folder of the Swarm's secrets", default: '/run/secrets' },
    'certificates-folder': { type: 'string', describe: 'Folder of certificates in files', default: '/certs' },
    'store-key-file': {
      type: 'string',
      describe: 'File with the secret that uploaded and ordered certificates are encrypted with in the Swarm',
    },
  },
  run,
};

export default command;

/**
 * Each pass makes much garbage out of long lists: left to itself, the heap grows to twice of what is needed before V8 takes
 * it back. With 1,000 services that is 100 MB instead of 210, for some milliseconds of a pass.
 */
const smallHeap = ['--optimize-for-size', '--max-semi-space-size=2', '--semi-space-growth-factor=1'];

async function run(context: Context, values: Values) {
  smallHeap.forEach(setFlagsFromString);
  const [{ serve }, { readAccess, readSecretFile }, { listenerSettings }, { controllerSettings }] = await Promise.all([
    import('../controller/serve'),
    import('../controller/http/access'),
    import('../controller/listener/settings'),
    import('../controller/settings'),
  ]);
  const { readPeopleSettings } = await import('../controller/people-settings');
  const listen = parseListen(text(values, 'listen')!);
  const secrets = text(values, 'secretsFolder')!;
  const files = {
    agent: text(values, 'agentTokenFile')!,
    reader: text(values, 'readerTokenFile')!,
    writer: text(values, 'writerTokenFile'),
  };
  const access = await readAccess(files, context);
  const certificate = text(values, 'tlsCertificate');
  const key = text(values, 'tlsKey');
  if ((certificate === undefined) !== (key === undefined))
    fail('USAGE_INVALID', '--tls-certificate and --tls-key belong together', { remedy: 'Give both, or none of them.' });
  const tls =
    certificate === undefined || key === undefined
      ? {}
      : {
          tls: {
            certificate: await readSecretFile('the certificate', certificate, context),
            key: await readSecretFile('the key', key, context),
          },
        };
  const settings = await controllerSettings(
    { prefix: text(values, 'prefix')!, notifyLabel: text(values, 'notifyLabel'), secrets },
    context,
  );
  const listener = await listenerSettings(secrets, context);
  const people = await readPeopleSettings(secrets, context);
  const engine = connectEngine(context);
  const executors = await executorsFor(engine, context, { ...people, prefix: text(values, 'prefix')! });
  const running = await serve(
    engine,
    {
      ...{ ...listen, access, ...tls, settings, listener, openListener: values.listenerAccess === 'open' },
      certificates: await certificatesOf(values, context),
      people: { settings: people, executors },
      alertmanager: context.env.HOMEOSTAT_ALERTMANAGER?.replace(/\/+$/, ''),
    },
    context,
  );
  context.log.info(`the controller listens on ${running.address}`);
  await new Promise((stop) => {
    if (context.signal.aborted) stop(undefined);
    else context.signal.addEventListener('abort', stop, { once: true });
  });
  await running.close();
  return { result: { stopped: true }, summary: 'stopped' };
}

async function certificatesOf(values: Values, context: Context): Promise<Certificates> {
  const [{ CertificateKeeper }, { Vault }, { readSecretFile }] = await Promise.all([
    import('../controller/certificates/keeper'),
    import('../controller/certificates/vault'),
    import('../controller/http/access'),
  ]);
  const engine = connectEngine(context);
  const file = text(values, 'storeKeyFile');
  const vault = file
    ? new Vault(await readSecretFile("the store's secret", file, context), engine, context)
    : undefined;
  const folders = { secrets: text(values, 'secretsFolder')!, folder: text(values, 'certificatesFolder')! };
  return new CertificateKeeper(engine, vault, folders, context);
}
