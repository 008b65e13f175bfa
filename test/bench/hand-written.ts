import { Buffer } from 'node:buffer';
import type { Door } from '../e2e/door';

/** What an experienced person would write for one service behind a door: logs, checks, retries, and who asks. */
const configuration = (service: string) => `global
    maxconn 2000
    log stdout format raw local0
    hard-stop-after 30s
resolvers swarm
    nameserver dns 127.0.0.11:53
    accepted_payload_size 8192
    resolve_retries 3
    timeout resolve 1s
    timeout retry 1s
    hold obsolete 0s
    hold nx 10s
    hold refused 10s
    hold timeout 10s
    hold other 10s
defaults
    mode http
    log global
    option httplog
    option dontlognull
    option forwardfor
    timeout connect 500ms
    timeout client 30s
    timeout server 30s
    timeout http-request 10s
    timeout queue 5s
    option srvtcpka
    srvtcpka-idle 1s
    srvtcpka-intvl 1s
    srvtcpka-cnt 2
    retries 3
    option redispatch 1
    retry-on conn-failure empty-response
    default-server init-addr none
frontend http
    bind :80
    http-request disable-l7-retry unless METH_GET || { method HEAD OPTIONS }
    http-request set-header X-Forwarded-Proto http
    use_backend app if { path_beg /${service} }
backend app
    balance roundrobin
    server-template app 12 tasks.${service}:8080 resolvers swarm resolve-prefer ipv4 check inter 1s fastinter 500ms downinter 1s fall 2 rise 1 observe layer4 error-limit 1 on-error mark-down tcp-ut 3s
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
