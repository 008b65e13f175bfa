import { createServer, request, ServerResponse } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Socket } from 'node:net';
import type { Test } from 'tap';

export interface Meddling {
  /** Sees each request before the Engine does; true when it answered by itself. */
  request?(path: string, response: ServerResponse): boolean;
  /** Sees each piece of an answer; true when the rest of the answer is not to be passed on. */
  answer?(path: string, piece: string, response: ServerResponse): boolean;
}

/** A proxy in front of an Engine's socket that meddles with what passes; answers with its DOCKER_HOST. */
export async function proxyEngine(t: Test, engineSocket: string, meddling: Meddling): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), 'homeostat-proxy-'));
  const sockets = new Set<Socket>();
  const server = createServer((incoming, response) => {
    const url = incoming.url ?? '';
    if (meddling.request?.(url, response)) return;
    const { method, headers } = incoming;
    const outgoing = request({ socketPath: engineSocket, path: url, method, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      response.flushHeaders();
      answer.on('data', (piece: Buffer) => {
        if (meddling.answer?.(url, piece.toString(), response)) outgoing.destroy();
        else response.write(piece);
      });
      answer.on('end', () => response.end());
      answer.on('error', () => response.destroy());
    });
    outgoing.on('error', () => response.destroy());
    response.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  server.on('upgrade', (incoming, client: Socket, head) => {
    const { method, url = '', headers } = incoming;
    const response = new ServerResponse(incoming);
    response.assignSocket(client);
    response.shouldKeepAlive = false;
    response.on('finish', () => client.end());
    if (meddling.request?.(url, response)) return;
    response.detachSocket(client);
    const outgoing = request({ socketPath: engineSocket, path: url, method, headers, agent: false });
    outgoing.on('upgrade', (answer, engine: Socket, first) => {
      const lines = answer.rawHeaders.reduce(
        (text, word, index) => text + word + (index % 2 === 0 ? ': ' : '\r\n'),
        `HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\n`,
      );
      client.write(`${lines}\r\n`);
      client.write(first);
      engine.write(head);
      engine.pipe(client).on('error', () => engine.destroy());
      client.pipe(engine).on('error', () => client.destroy());
      client.on('close', () => engine.destroy());
    });
    outgoing.on('error', () => client.destroy());
    outgoing.end();
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
  });
  const socket = path.join(folder, 'engine.sock');
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.teardown(async () => {
    for (const each of sockets) each.destroy();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });
  return `unix://${socket}`;
}
