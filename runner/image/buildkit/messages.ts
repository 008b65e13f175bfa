import protobuf from 'protobufjs/light';

const field = (type: string, id: number) => ({ type, id });
const many = (type: string, id: number) => ({ rule: 'repeated' as const, type, id });

/**
 * The few messages of BuildKit that a client needs, with their field numbers
 * (https://github.com/moby/buildkit: api/services/control, session/auth, session/secrets; grpc.health.v1).
 */
const root = protobuf.Root.fromJSON({
  nested: {
    Timestamp: { fields: { seconds: field('int64', 1), nanos: field('int32', 2) } },
    Vertex: {
      fields: {
        digest: field('string', 1),
        name: field('string', 3),
        cached: field('bool', 4),
        started: field('Timestamp', 5),
        completed: field('Timestamp', 6),
        error: field('string', 7),
      },
    },
    VertexStatus: {
      fields: {
        ID: field('string', 1),
        vertex: field('string', 2),
        current: field('int64', 4),
        total: field('int64', 5),
        completed: field('Timestamp', 8),
      },
    },
    VertexLog: {
      fields: {
        vertex: field('string', 1),
        timestamp: field('Timestamp', 2),
        stream: field('int64', 3),
        msg: field('bytes', 4),
      },
    },
    StatusResponse: {
      fields: { vertexes: many('Vertex', 1), statuses: many('VertexStatus', 2), logs: many('VertexLog', 3) },
    },
    CredentialsRequest: { fields: { Host: field('string', 1) } },
    CredentialsResponse: { fields: { Username: field('string', 1), Secret: field('string', 2) } },
    GetSecretRequest: { fields: { ID: field('string', 1) } },
    GetSecretResponse: { fields: { data: field('bytes', 1) } },
    HealthCheckRequest: { fields: { service: field('string', 1) } },
    HealthCheckResponse: { fields: { status: field('int32', 1) } },
  },
});

export function encodeMessage(name: string, value: object): Buffer {
  const type = root.lookupType(name);
  return Buffer.from(type.encode(type.create(value)).finish());
}

export function decodeMessage<T>(name: string, bytes: Uint8Array): T {
  const type = root.lookupType(name);
  return type.toObject(type.decode(bytes), { longs: Number, defaults: false, arrays: true }) as T;
}

interface Timestamp {
  seconds?: number;
  nanos?: number;
}

export interface StatusResponse {
  vertexes: {
    digest: string;
    name: string;
    cached?: boolean;
    started?: Timestamp;
    completed?: Timestamp;
    error?: string;
  }[];
  statuses: { ID: string; vertex: string; current?: number; total?: number; completed?: Timestamp }[];
  logs: { vertex: string; stream?: number; msg: Uint8Array }[];
}

/** Seconds of a timestamp. */
export const secondsOf = (time: Timestamp): number => (time.seconds ?? 0) + (time.nanos ?? 0) / 1e9;
