import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { InvokeEffect } from '../../src/engine/index.js';
import { createFunctions, type HandlerContext, type Handlers, loadHandlers } from '../../src/tasks/index.js';
import { rememberingLog } from '../setup/log.js';

const about = { executionId: 'e-1', executionName: 'one', stateMachineId: 'm', version: 1, queue: 'm' };
const call = { signal: new AbortController().signal, heartbeat: () => undefined };

function effect(functionName: string) {
  return {
    kind: 'invoke',
    frameId: 0,
    key: 'e-1/3',
    call: { kind: 'function', functionName, input: { total: 3 }, credentials: { RoleArn: 'r' } },
    stateName: 'Charge',
    attempt: 1,
    timeoutAtMs: undefined,
  } satisfies InvokeEffect;
}

function invoke(handlers: Handlers, functionName = 'charge') {
  const asked = effect(functionName);
  return createFunctions({ handlers, arnOf: (name) => name, logFor: () => rememberingLog() }).call(
    asked.call,
    asked,
    about,
    call,
  );
}

describe('a handler', () => {
  test('gets its input and what it may know of its execution', async () => {
    const seen: HandlerContext[] = [];
    const outcome = await invoke({
      charge: (input: { total: number }, context) => {
        seen.push(context);
        return { paid: input.total };
      },
    });
    expect(outcome).toEqual({ ok: true, output: { paid: 3 } });
    expect(seen[0]).toMatchObject({
      executionId: 'e-1',
      executionName: 'one',
      stateMachineId: 'm',
      stateName: 'Charge',
      attempt: 1,
      idempotencyKey: 'e-1/3',
      credentials: { RoleArn: 'r' },
    });
    expect(seen[0]?.log.info).toBeInstanceOf(Function);
  });

  test('that returns nothing has the result null', async () => {
    expect(await invoke({ charge: () => undefined })).toEqual({ ok: true, output: null });
  });

  test('whose result is no JSON fails by name', async () => {
    expect(await invoke({ charge: () => 1n })).toMatchObject({ ok: false, error: 'Runtime.MarshalError' });
    expect(await invoke({ charge: () => Symbol('s') })).toMatchObject({
      ok: false,
      error: 'Runtime.MarshalError',
    });
  });

  test("that throws fails under the error's name, with a cause as AWS writes it", async () => {
    const outcome = await invoke({
      charge: () => {
        throw Object.assign(new Error('no money'), { name: 'CardDeclined' });
      },
    });
    expect(outcome).toMatchObject({ ok: false, error: 'CardDeclined' });
    const cause = outcome.ok ? {} : (JSON.parse(outcome.cause ?? '') as Record<string, unknown>);
    expect(cause).toMatchObject({ errorType: 'CardDeclined', errorMessage: 'no money' });
    expect(Array.isArray(cause['trace'])).toBe(true);
  });

  test('may throw anything at all, and a cause of any length stays JSON', async () => {
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    for (const thrown of ['text', 7, 10n, null, undefined, { code: 1 }, circular]) {
      const outcome = await invoke({
        charge: () => {
          throw thrown;
        },
      });
      expect(outcome).toMatchObject({ ok: false, error: 'Error' });
    }
    const odd = await invoke({
      charge: () => {
        throw Object.assign(new Error('x'), { name: 404, stack: null });
      },
    });
    expect(odd).toMatchObject({ ok: false, error: '404' });
    const long = await invoke({
      charge: () => {
        throw new Error('x'.repeat(100_000));
      },
    });
    const cause = (long.ok ? undefined : long.cause) ?? '';
    expect(cause.length).toBeLessThanOrEqual(32_768);
    expect(() => JSON.parse(cause) as unknown).not.toThrow();
  });

  test('that is missing fails by name, and nothing is echoed', async () => {
    const outcome = await invoke({ charge: () => 1 }, 'refund');
    expect(outcome).toMatchObject({
      ok: false,
      error: 'Lambda.ResourceNotFoundException',
      cause: expect.stringMatching(/^Function not found: refund \(Service: AWSLambda; Status Code: 404; /),
    });
    expect(await invoke({ charge: () => 1 }, 'toString')).toMatchObject({ ok: false });
    expect(await invoke({ charge: () => 1 }, '__proto__')).toMatchObject({ ok: false });
  });
});

describe('a handlers module', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'escapement-handlers-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  async function module(text: string): Promise<string> {
    const file = path.join(directory, `${crypto.randomUUID()}.mjs`);
    await writeFile(file, text);
    return file;
  }

  test('is loaded by its default export, and its functions keep their object', async () => {
    const handlers = await loadHandlers(
      await module('export default { double(n) { return 2 * this.one(n) }, one(n) { return n } }'),
    );
    expect(Object.keys(handlers)).toEqual(['double', 'one']);
    expect(handlers['double']?.handler(21, {} as HandlerContext)).toBe(42);
  });

  test('that holds anything but functions is refused, by what it holds', async () => {
    await expect(loadHandlers(await module('export default { base: 2 }'))).rejects.toThrow("'base'");
    await expect(loadHandlers(await module('export const double = 1'))).rejects.toThrow('no default export');
  });
});
