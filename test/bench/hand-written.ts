import { Buffer } from 'node:buffer';
import type { Door } from '../e2e/door';

/** What an experienced person would write for one service, checks and retries included, and without an access log. */
const configuration = (service: string) => `global
    fd-hard-limit 40200
resolvers docker
    nameserver d1 127.0.0.11:53
    accepted_payload_size 8192
    timeout resolve 1s
    timeout retry 500ms
    hold obsolete 0s
defaults
    mode http
    timeout connect 500ms
    timeout client 30s
    timeout server 30s
    timeout queue 5s
    retries 3
    option redispatch 1
    retry-on conn-failure empty-response
    default-server init-addr none
frontend http
    bind :80
    http-request disable-l7-retry unless METH_GET || { method HEAD OPTIONS }
    default_backend app
backend app
    balance leastconn
    server-template app 12 tasks.${service}:8080 resolvers docker resolve-prefer ipv4 check inter 1s fastinter 500ms downinter 1s fall 2 rise 1 observe layer4 error-limit 1 on-error mark-down
`;

/** Starts a HAProxy with a configuration by hand beside ours; answers with the name of its service. */
export async function handWritten(door: Door, service: string): Promise<string> {
  const name = 'hand-written';
  const data = Buffer.from(configuration(service)).toString('base64');
  const { id } = await door.engine.createConfig({ Name: 'hand-written.cfg', Labels: {}, Data: data } as never);
  await door.engine.createService({
    Name: name,
    TaskTemplate: {
      ContainerSpec: {
        Image: door.image,
        Healthcheck: { Test: ['NONE'] },
        Command: ['haproxy', '-W', '-db', '-f', '/haproxy.cfg'],
        Configs: [
          {
            ConfigID: id,
            ConfigName: 'hand-written.cfg',
            File: { Name: '/haproxy.cfg', UID: '0', GID: '0', Mode: 0o444 },
          },
        ],
      },
      Networks: [{ Target: 'proxy' }],
    },
    EndpointSpec: {
      Mode: 'dnsrr',
      Ports: [{ TargetPort: 80, PublishedPort: 8081, Protocol: 'tcp', PublishMode: 'host' }],
    },
  } as never);
  return name;
}
