import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startProxy, type Wire } from './proxy.js';

let server: Server;
let wire: Wire;
const clients: Socket[] = [];

beforeEach(async () => {
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  wire = await startProxy({ host: '127.0.0.1', port: address.port });
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await wire.close();
  server.close();
});

async function open(): Promise<Socket> {
  const client = connect(wire.port, '127.0.0.1');
  client.on('error', () => undefined);
  clients.push(client);
  await once(client, 'connect');
  return client;
}

async function echo(client: Socket, text: string): Promise<string> {
  client.write(text);
  const [back] = await once(client, 'data');
  return String(back);
}

describe('a wire', () => {
  test('carries bytes in order, however long each takes', async () => {
    const client = await open();
    let left = 30;
    wire.delay(() => left--);
    let received = '';
    client.on('data', (chunk) => {
      received += String(chunk);
    });
    for (let n = 0; n < 5; n++) {
      client.write(`${n};`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    while (received.length < 10) await once(client, 'data');
    expect(received).toBe('0;1;2;3;4;');
  });

  test('that is stalled delivers what was sent when it is healed', async () => {
    const client = await open();
    expect(await echo(client, 'a')).toBe('a');
    wire.stall();
    const back = echo(client, 'b');
    const first = await Promise.race([
      back,
      new Promise((resolve) => setTimeout(() => resolve('nothing'), 50)),
    ]);
    expect(first).toBe('nothing');
    wire.heal();
    expect(await back).toBe('b');
  });

  test('that is half open delivers nothing more, lets others by, and is reset when it is healed', async () => {
    const deaf = await open();
    expect(await echo(deaf, 'a')).toBe('a');
    expect(wire.halfOpen()).toBe(1);
    let heard = false;
    deaf.on('data', () => {
      heard = true;
    });
    deaf.write('b');
    expect(await echo(await open(), 'c')).toBe('c');
    expect({ heard, destroyed: deaf.destroyed }).toEqual({ heard: false, destroyed: false });
    const closed = new Promise((resolve) => deaf.once('close', resolve));
    wire.heal();
    await closed;
    expect(heard).toBe(false);
  });

  test('can be reset', async () => {
    const client = await open();
    await echo(client, 'a');
    const closed = new Promise((resolve) => client.once('close', resolve));
    expect(wire.reset(() => true)).toBe(1);
    await closed;
  });
});
