import { randomUUID } from 'node:crypto';
import { Server, ServerCredentials, status, type handleUnaryCall } from '@grpc/grpc-js';
import { dial, type Engine } from '../../common/engine';
import { decodeMessage, encodeMessage } from './messages';

export interface SessionOptions {
  /** Credentials for a registry host, for images named in FROM. */
  credentials(host: string): Promise<{ username?: string; password?: string } | undefined>;
  /** Secrets by id, for RUN --mount=type=secret. */
  secrets: Record<string, Buffer>;
}

export interface Session {
  id: string;
  close(): void;
}

const healthy = 1;

/**
 * Opens a BuildKit session: over it the Engine asks this process for credentials and secrets while it builds
 * (https://github.com/moby/buildkit/blob/master/session/session.go). Health is answered because BuildKit gives a
 * session up that does not.
 */
export async function openSession(engine: Engine, options: SessionOptions): Promise<Session> {
  const id = randomUUID();
  const server = new Server();
  const methods: string[] = [];
  const serve = <Request>(
    service: string,
    method: string,
    request: string,
    response: string,
    answer: (request: Request) => Promise<object>,
  ) => {
    const path = `/${service}/${method}`;
    methods.push(path);
    const handle: handleUnaryCall<Request, object> = (call, callback) => {
      answer(call.request).then(
        (value) => callback(null, value),
        (error: Error) => callback({ code: status.NOT_FOUND, details: error.message }),
      );
    };
    server.addService(
      {
        [method]: {
          path,
          requestStream: false,
          responseStream: false,
          requestSerialize: (value: object) => encodeMessage(request, value),
          requestDeserialize: (bytes: Buffer) => decodeMessage<Request>(request, bytes),
          responseSerialize: (value: object) => encodeMessage(response, value),
          responseDeserialize: (bytes: Buffer) => decodeMessage<object>(response, bytes),
        },
      },
      { [method]: handle },
    );
  };
  serve<{ Host: string }>(
    'moby.filesync.v1.Auth',
    'Credentials',
    'CredentialsRequest',
    'CredentialsResponse',
    async ({ Host }) => {
      const found = await options.credentials(Host);
      return { Username: found?.username ?? '', Secret: found?.password ?? '' };
    },
  );
  serve<{ ID: string }>(
    'moby.buildkit.secrets.v1.Secrets',
    'GetSecret',
    'GetSecretRequest',
    'GetSecretResponse',
    async ({ ID }) => {
      const data = options.secrets[ID];
      if (!data) throw new Error(`secret ${ID} is not given`);
      return { data };
    },
  );
  serve('grpc.health.v1.Health', 'Check', 'HealthCheckRequest', 'HealthCheckResponse', async () => ({
    status: healthy,
  }));

  const socket = await dial(engine, {
    method: 'POST',
    path: '/session',
    hijack: true,
    headers: {
      Upgrade: 'h2c',
      'X-Docker-Expose-Session-Uuid': id,
      'X-Docker-Expose-Session-Name': 'homeostat',
      'X-Docker-Expose-Session-Grpc-Method': methods,
    },
    statusCodes: { 101: true, 200: true, 500: 'server error' },
  });
  socket.on('error', () => undefined);
  server.createConnectionInjector(ServerCredentials.createInsecure()).injectConnection(socket);
  return {
    id,
    close() {
      server.forceShutdown();
      socket.destroy();
    },
  };
}
