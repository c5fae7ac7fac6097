import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLog } from '../../src/main/log.js';
import { call, type ListeningApi, listen } from '../api/listening.js';

const TOKEN = '8c1f8f0e-6f0b-4f0e-9d3e-2f6b1a9c7d55';
const lines: string[] = [];
const log = createLog('trace', 'test', { write: (line: string) => void lines.push(line) });

const encodedWhole = (text: string): string =>
  text.replace(/./g, (one) => `%${one.charCodeAt(0).toString(16)}`);

let api: ListeningApi;
beforeAll(async () => {
  // Its operations reject, so that a well-formed answer ends in a fault of ours, which is logged with its stack.
  api = await listen({ logger: log });
});
afterAll(() => api.close());

describe('the log', () => {
  test.each([
    ['POST', `/task-tokens/${TOKEN}/success`, 500],
    ['POST', `/task-tokens/${TOKEN}/heartbeat?x=1`, 400],
    ['GET', `/task-tokens/${TOKEN}/success`, 405],
    ['POST', `/task-tokens/${TOKEN}/sucess`, 404],
    ['POST', `/task-tokens/${TOKEN}`, 404],
    ['POST', `//task-tokens//${TOKEN}/success`, 404],
    ['POST', `/task-token/${TOKEN}/success`, 404],
    ['POST', `/Task-Tokens/${TOKEN}/success`, 404],
    ['GET', `/%74ask-tokens/${TOKEN}/success`, 404],
    ['GET', `/${encodedWhole('task-tokens')}/${TOKEN}/success`, 404],
    ['POST', `/task%2dtokens/${TOKEN}/success/`, 404],
  ])('never has a token in it: %s %s', async (method, path, status) => {
    lines.length = 0;
    const body = path.endsWith('/success') && method === 'POST' ? { output: 1 } : undefined;
    expect((await call(`${api.url}${path}`, method, body)).status).toBe(status);
    // Something was said about the request …
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) {
      expect(() => JSON.parse(line)).not.toThrow();
      expect(line).not.toContain(TOKEN);
      expect(line).not.toContain(TOKEN.slice(0, 8));
    }
  });

  test('still says which path it was', async () => {
    lines.length = 0;
    await call(`${api.url}/task-tokens/${TOKEN}/sucess`, 'POST');
    expect(lines.join('')).toContain('There is no route /task-tokens/…/sucess.');
  });

  test('leaves out tokens wherever they are quoted, and nothing else', () => {
    lines.length = 0;
    log.info({ long: `/${'token'.repeat(200_000)}` }, 'a long line takes no longer than it must');
    lines.length = 0;
    log.warn({ err: new Error(`POST http://h/task-tokens/${TOKEN}/failure`) }, 'a call failed');
    log.info(
      { url: '/executions/123/history', stack: 'at x (/app/dist/api/rest/task-tokens.js:3:1)' },
      'as it is',
    );
    expect(lines[0]).not.toContain(TOKEN);
    expect(lines[0]).toContain('http://h/task-tokens/…/failure');
    expect(lines[1]).toContain('/executions/123/history');
    expect(lines[1]).toContain('/app/dist/api/rest/task-tokens.js:3:1');
  });
});
