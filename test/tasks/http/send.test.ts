/** Sending for real: servers on this machine, and names that mean what a test says. */
import { createServer as createTcpServer, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createAddressPolicy } from '../../../src/tasks/http/addresses.js';
import {
  createSend,
  type Exchange,
  type Outgoing,
  type Resolve,
  type SendLimits,
} from '../../../src/tasks/http/send.js';
import { type Answering, serve, type TestServer } from './servers.js';

const LIMITS: SendLimits = { timeoutMs: 10_000, maxBytes: 1_000, maxRedirects: 3 };
const NEVER = new AbortController().signal;

/** Names, as the tests want them; whatever is not here is not found. */
const names = new Map<string, string[]>();
const looked: string[] = [];
const resolve: Resolve = async (host) => {
  looked.push(host);
  const found = names.get(host);
  if (found === undefined) throw new Error(`getaddrinfo ENOTFOUND ${host}`);
  return found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
};

/** What the server under test answers. */
let answering: Answering;
let server: TestServer;
/** On an address of its own, which no test's list allows but one. */
let inner: TestServer;

beforeAll(async () => {
  server = await serve((asked, response) => answering(asked, response));
  inner = await serve((_, response) => response.end('secret'), '127.0.0.2', server.port);
});
afterAll(() => Promise.all([server.close(), inner.close()]));
afterEach(() => {
  names.clear();
  looked.length = 0;
  server.asked.length = 0;
});

const ALLOW = ['127.0.0.1'];
const url = (path = '/', host = '127.0.0.1') => `http://${host}:${server.port}${path}`;

function send(
  to: string,
  { allow = ALLOW, limits = LIMITS, signal = NEVER, ...more }: SendOptions = {},
): Promise<Exchange> {
  const outgoing = { url: new URL(to), method: 'GET', headers: {}, ...more };
  return createSend({ policy: createAddressPolicy(allow), resolve })(outgoing, limits, signal);
}

type SendOptions = Partial<Omit<Outgoing, 'url'>> & {
  allow?: string[];
  limits?: SendLimits;
  signal?: AbortSignal;
};

describe('a request', () => {
  test('goes out as it is, and its answer comes back as it is', async () => {
    answering = (_, response) =>
      response.writeHead(201, 'Made', { 'set-cookie': ['a', 'b'], 'X-B': 'c' }).end('{"a":1}');
    const body = Buffer.from('{"ä":1}');
    const exchange = await send(url('/a%20b?c=d'), { method: 'PATCH', headers: { 'x-y': 'z' }, body });
    expect(exchange).toMatchObject({
      kind: 'answered',
      answer: { statusCode: 201, statusText: 'Made', headers: { 'set-cookie': ['a', 'b'], 'x-b': ['c'] } },
    });
    expect(exchange.kind === 'answered' && String(exchange.answer.body)).toBe('{"a":1}');
    expect(server.asked).toMatchObject([
      { method: 'PATCH', url: '/a%20b?c=d', body: '{"ä":1}', headers: { 'x-y': 'z', 'content-length': '8' } },
    ]);
  });

  test('is made by whom the environment names as a proxy never', async () => {
    answering = (_, response) => response.end('direct');
    process.env['http_proxy'] = 'http://127.0.0.2:1';
    try {
      expect(await send(url())).toMatchObject({ kind: 'answered' });
    } finally {
      delete process.env['http_proxy'];
    }
  });
});

test('over https the connection goes to the judged address, and asks there for the host that was meant', async () => {
  const heard: Buffer[] = [];
  const listener = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (hello: Buffer) => {
      heard.push(hello);
      socket.end();
    });
  });
  await new Promise<void>((done) => {
    listener.listen(0, '127.0.0.1', done);
  });
  const address = listener.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  names.set('tls.example', ['127.0.0.1']);
  expect(await send(`https://tls.example:${port}/secret`)).toMatchObject({ kind: 'unreachable' });
  // A TLS handshake (RFC 8446, section 5.1), with the name in it.
  expect(heard[0]?.[0]).toBe(22);
  expect(heard[0]?.toString('latin1')).toContain('tls.example');
  expect(heard[0]?.toString('latin1')).not.toContain('secret');
  await new Promise((done) => listener.close(done));
});

describe('what an address policy does not allow is not called', () => {
  test.each([
    () => url('/', '127.0.0.2'),
    () => url('/', '2130706434'),
    () => url('/', '0x7f.2'),
    () => url('/', '[::ffff:127.0.0.2]'),
    () => url('/', '[::1]'),
    () => 'http://169.254.169.254/latest/meta-data',
    () => 'file:///etc/passwd',
    () => 'gopher://127.0.0.1/',
    () => url().replace('//', '//user:word@'),
  ])('%s', async (to) => {
    expect(await send(to())).toMatchObject({ kind: 'refused' });
    expect(inner.asked).toEqual([]);
    expect(server.asked).toEqual([]);
  });

  test('a name is judged by its addresses', async () => {
    answering = (_, response) => response.end();
    names.set('inner.example', ['127.0.0.2']).set('outer.example', ['127.0.0.2', '127.0.0.1']);
    expect(await send(url('/', 'inner.example'))).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('HTTP_TASKS_ALLOW'),
    });
    expect(await send(url('/', 'outer.example'))).toMatchObject({ kind: 'answered' });
    expect(inner.asked).toEqual([]);
    expect(await send(url('/', 'inner.example'), { allow: ['inner.example'] })).toMatchObject({
      kind: 'answered',
    });
    inner.asked.length = 0;
  });

  test('a name that means another address the second time is asked once, and called where it was judged', async () => {
    answering = (_, response) => response.end('judged');
    let times = 0;
    const rebinding: Resolve = async () => [
      { address: times++ === 0 ? '127.0.0.1' : '127.0.0.2', family: 4 },
    ];
    const sendThere = createSend({ policy: createAddressPolicy(ALLOW), resolve: rebinding });
    const request = { url: new URL(url('/', 'rebind.example')), method: 'GET', headers: {} };
    const first = await sendThere(request, LIMITS, NEVER);
    expect(first.kind === 'answered' && String(first.answer.body)).toBe('judged');
    expect(times).toBe(1);
    expect(server.asked[0]?.headers.host).toBe(`rebind.example:${server.port}`);
    expect(await sendThere(request, LIMITS, NEVER)).toMatchObject({ kind: 'refused' });
    expect(inner.asked).toEqual([]);
  });

  test('plain http only goes where the list says so, even to an address that is public', async () => {
    names.set('public.example', ['93.184.216.34']);
    expect(await send('http://public.example/')).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('plain http'),
    });
  });
});

describe('a redirect', () => {
  test('is followed, and each place is judged anew', async () => {
    answering = ({ url: path }, response) => {
      const to: Record<string, string> = { '/a': '/b', '/b': url('/c', '127.0.0.2') };
      response.writeHead(302, { location: to[path] ?? '' }).end();
    };
    const refused = await send(url('/a'));
    expect(refused).toMatchObject({ kind: 'refused', reason: expect.stringContaining('127.0.0.2') });
    expect(server.asked.map((one) => one.url)).toEqual(['/a', '/b']);
    expect(inner.asked).toEqual([]);
  });

  test('to a name is resolved and judged, too', async () => {
    names.set('inner.example', ['127.0.0.2']);
    answering = (_, response) => response.writeHead(307, { location: url('/', 'inner.example') }).end();
    expect(await send(url())).toMatchObject({ kind: 'refused' });
    expect(looked).toEqual(['inner.example']);
  });

  test('takes nothing secret to another origin', async () => {
    const other = await serve((_, response) => response.end('there'));
    answering = (_, response) =>
      response.writeHead(303, { location: `http://127.0.0.1:${other.port}/` }).end();
    const headers = { authorization: 'secret', 'x-key': 'secret', accept: 'text/plain' };
    const exchange = await send(url(), { method: 'POST', headers, body: Buffer.from('x') });
    expect(exchange).toMatchObject({ kind: 'answered', answer: { statusCode: 200 } });
    expect(other.asked).toMatchObject([{ method: 'GET', body: '' }]);
    expect(JSON.stringify(other.asked)).not.toContain('secret');
    await other.close();
  });

  test('that comes again and again is given up; where none is to be followed it is the answer', async () => {
    answering = (_, response) => response.writeHead(302, { location: '/again' }).end();
    expect(await send(url())).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('3 redirects'),
    });
    expect(server.asked).toHaveLength(4);
    expect(await send(url(), { limits: { ...LIMITS, maxRedirects: 0 } })).toMatchObject({
      kind: 'answered',
      answer: { statusCode: 302 },
    });
  });
});

describe('an answer', () => {
  test('that is too large is not read to its end, whether or not it says how large it is', async () => {
    answering = (_, response) => {
      response.writeHead(200, { 'content-length': '1001' }).end('x'.repeat(1_001));
    };
    expect(await send(url())).toMatchObject({ kind: 'tooLarge' });
    let written = 0;
    answering = (_, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(16_384))) written += 16_384;
        response.once('drain', more);
      };
      more();
    };
    expect(await send(url())).toMatchObject({ kind: 'tooLarge' });
    expect(written).toBeLessThan(50_000_000);
    answering = (_, response) => response.end('x'.repeat(1_000));
    expect(await send(url())).toMatchObject({ kind: 'answered' });
  });

  test.each<[string, Answering]>([
    ['never begins', () => undefined],
    ['never ends', (_, response) => response.writeHead(200).write('x')],
    [
      'comes in drops',
      (_, response) => {
        const drops = setInterval(() => response.write('x'), 20);
        response.on('close', () => clearInterval(drops));
      },
    ],
  ])('that %s is given up when the time is over', async (_, slowly) => {
    answering = slowly;
    const exchange = await send(url(), { limits: { ...LIMITS, timeoutMs: 200 } });
    expect(exchange).toEqual({
      kind: 'timedOut',
      reason: `http://127.0.0.1:${server.port}/ did not answer within 0.2 s`,
    });
  });

  test('is not waited for when nobody waits for it', async () => {
    const controller = new AbortController();
    answering = () => controller.abort();
    expect(await send(url(), { signal: controller.signal })).toMatchObject({ kind: 'unreachable' });
    expect(await send(url(), { signal: controller.signal })).toMatchObject({ kind: 'unreachable' });
    expect(server.asked).toHaveLength(1);
  });

  test('of a name that never resolves is given up, too', async () => {
    const stuck = createSend({
      policy: createAddressPolicy([]),
      resolve: () => new Promise(() => undefined),
    });
    const request = { url: new URL('https://stuck.example/'), method: 'GET', headers: {} };
    expect(await stuck(request, { ...LIMITS, timeoutMs: 100 }, NEVER)).toMatchObject({ kind: 'timedOut' });
  });

  test.each([
    ['is no HTTP', 'hello\r\n\r\n'],
    ['ends in the middle', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx'],
    ['ends before it begins', ''],
    ['has chunks that are none', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
    ['has headers without end', `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(10_000)}`],
  ])('that %s is none', async (_, text) => {
    const sockets = new Set<Socket>();
    const broken = createTcpServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(text));
    });
    await new Promise<void>((done) => {
      broken.listen(0, '127.0.0.1', done);
    });
    const address = broken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    expect(await send(`http://127.0.0.1:${port}/?key=secret`)).toMatchObject({
      kind: 'unreachable',
      reason: expect.not.stringContaining('secret'),
    });
    for (const socket of sockets) socket.destroy();
    await new Promise((done) => broken.close(done));
  });

  test('of a host that there is not, or that refuses, is none', async () => {
    expect(await send('https://nowhere.example/')).toMatchObject({
      kind: 'unreachable',
      reason: expect.stringContaining('ENOTFOUND'),
    });
    const closed = await serve(() => undefined);
    await closed.close();
    expect(await send(`http://127.0.0.1:${closed.port}/`)).toMatchObject({ kind: 'unreachable' });
  });
});
