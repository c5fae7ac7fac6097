/** Which connection a request goes over: a kept one, or one of its own. */
import { createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { createAddressPolicy } from '../../../src/tasks/http/addresses.js';
import { createSend, type Exchange, type Resolve } from '../../../src/tasks/http/send.js';

const LIMITS = { timeoutMs: 10_000, maxBytes: 1_000, maxRedirects: 3 };
const NEVER = new AbortController().signal;
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

const closings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0)) await close();
});

/** A server that says what a test wants on the nth request of the nth connection, both from 0. */
async function serveRaw(
  answer: (socket: Socket, connection: number, request: number) => void,
  host = '127.0.0.1',
  port = 0,
): Promise<{ port: number; sockets: Socket[]; requests: () => number }> {
  const sockets: Socket[] = [];
  let all = 0;
  const server = createServer((socket) => {
    const connection = sockets.push(socket) - 1;
    let requests = 0;
    socket.on('error', () => undefined);
    socket.on('data', () => {
      all++;
      answer(socket, connection, requests++);
    });
  });
  await new Promise<void>((done) => {
    server.listen(port, host, done);
  });
  closings.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((done) => server.close(done));
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    sockets,
    requests: () => all,
  };
}

const sender = (resolve: Resolve = async () => [{ address: '127.0.0.1', family: 4 }]) =>
  createSend({ policy: createAddressPolicy(['127.0.0.0/8']), resolve });

const textIn = (exchange: Exchange): string =>
  exchange.kind === 'answered' ? String(exchange.answer.body) : JSON.stringify(exchange);

function ask(method: string, port: number, headers: Record<string, string> = {}) {
  return {
    url: new URL(`http://here.example:${port}/`),
    method,
    headers,
    ...(method === 'POST' && { body: Buffer.from('x') }),
  };
}

test('what may be sent twice goes over a kept connection; what may not has one of its own', async () => {
  const server = await serveRaw((socket) => socket.write(OK));
  const send = sender();
  for (let n = 0; n < 3; n++) expect(textIn(await send(ask('GET', server.port), LIMITS, NEVER))).toBe('ok');
  expect(server.sockets).toHaveLength(1);
  for (let n = 0; n < 2; n++) expect(textIn(await send(ask('POST', server.port), LIMITS, NEVER))).toBe('ok');
  expect(server.sockets).toHaveLength(3);
  const keyed = ask('POST', server.port, { 'idempotency-key': 'k' });
  expect(textIn(await send(keyed, LIMITS, NEVER))).toBe('ok');
  expect(server.sockets).toHaveLength(3);
});

test('a request whose kept connection has been closed is sent again over a new one, and only then', async () => {
  const server = await serveRaw((socket, _connection, request) => {
    if (request === 0) socket.write(OK);
    else socket.destroy();
  });
  const send = sender();
  expect(textIn(await send(ask('GET', server.port), LIMITS, NEVER))).toBe('ok');
  expect(textIn(await send(ask('GET', server.port), LIMITS, NEVER))).toBe('ok');
  expect(server.requests()).toBe(3);

  const closing = await serveRaw((socket) => socket.destroy());
  expect(await send(ask('GET', closing.port), LIMITS, NEVER)).toMatchObject({ kind: 'unreachable' });
  expect(closing.requests()).toBe(1);
});

test('a kept connection is not taken once the name means another address', async () => {
  const here = await serveRaw((socket) => socket.write(OK));
  await serveRaw((socket) => socket.write(OK.replace('ok', 'no')), '127.0.0.2', here.port);
  let address = '127.0.0.1';
  const send = sender(async () => [{ address, family: 4 }]);
  expect(textIn(await send(ask('GET', here.port), LIMITS, NEVER))).toBe('ok');
  address = '127.0.0.2';
  expect(textIn(await send(ask('GET', here.port), LIMITS, NEVER))).toBe('no');
  address = '10.0.0.1';
  expect(await send(ask('GET', here.port), LIMITS, NEVER)).toMatchObject({ kind: 'refused' });
  expect(here.requests()).toBe(1);
});

test('when one of several judged addresses does not answer, the next is tried, and one that was refused never', async () => {
  const refused = await serveRaw((socket) => socket.write(OK), '127.0.0.3');
  const server = await serveRaw((socket) => socket.write(OK), '127.0.0.1', refused.port);
  const send = createSend({
    policy: createAddressPolicy(['127.0.0.1', '127.0.0.2']),
    // Nobody listens on 127.0.0.2.
    resolve: async () => ['127.0.0.2', '127.0.0.3', '127.0.0.1'].map((address) => ({ address, family: 4 })),
  });
  for (const method of ['GET', 'POST'])
    expect(textIn(await send(ask(method, server.port), LIMITS, NEVER))).toBe('ok');
  expect(server.requests()).toBe(2);
  expect(refused.sockets).toEqual([]);
});

test('an answer that nobody asked for on a kept connection does no harm', async () => {
  const server = await serveRaw((socket) => {
    socket.write(OK);
    setImmediate(() => socket.write(OK.replace('ok', 'no')));
  });
  const send = sender();
  for (let n = 0; n < 5; n++) {
    expect(textIn(await send(ask('GET', server.port), LIMITS, NEVER))).toBe('ok');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
});

test.each(['GET', 'POST'])('a %s that is answered with another protocol fails at once', async (method) => {
  const server = await serveRaw((socket) =>
    socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nhello'),
  );
  expect(await sender()(ask(method, server.port), LIMITS, NEVER)).toMatchObject({
    kind: 'unreachable',
    reason: expect.stringContaining('protocol'),
  });
});
