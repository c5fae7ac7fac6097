import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../src/std/json.js';
import { type Played, play, type Script } from './driver.js';
import { machineOf } from './machines.js';

const LATE = { Type: 'Pass', Parameters: { 'late.$': '$.payment.status' }, End: true };

function ask(more: JsonObject, messages: NonNullable<Script['messages']> = []): Promise<Played> {
  return play({
    definition: machineOf({
      Pay: {
        Type: 'Message',
        CorrelationKey: 'order',
        CorrelationValuePath: '$.id',
        ResultPath: '$.payment',
        Next: 'Paid',
        ...more,
      },
      Paid: { Type: 'Pass', End: true },
      ...('TimeoutPath' in more && { Late: LATE }),
    }),
    input: { id: 'o-1' },
    messages,
  });
}

const PAID = { key: 'order', value: 'o-1', data: { status: 'PAID', by: { card: 4 } } };

describe('a Message state', () => {
  test('waits for the message with its key and value, whose data is its result', async () => {
    const { end, elapsedMs, history } = await ask({}, [{ atMs: 86_400_000, ...PAID }]);
    expect(end?.output).toEqual({ id: 'o-1', payment: PAID.data });
    expect(elapsedMs).toBe(86_400_000);
    expect(history.map(({ type }) => type).slice(1, 5)).toEqual([
      'MessageStateEntered',
      'MessageAwaited',
      'MessageReceived',
      'MessageStateExited',
    ]);
  });

  test('takes the part of the message that MessagePath names', async () => {
    const { end } = await ask({ MessagePath: '$.by' }, [{ atMs: 0, ...PAID }]);
    expect(end?.output).toEqual({ id: 'o-1', payment: { card: 4 } });
  });

  test('goes on at TimeoutPath when its time is up', async () => {
    const { end, elapsedMs, released } = await ask({ TimeoutSeconds: 30, TimeoutPath: 'Late' });
    expect(end?.output).toEqual({ late: 'TIMEOUT' });
    expect(elapsedMs).toBe(30_000);
    expect(released.map(({ awaited }) => awaited.kind)).toEqual(['message']);
  });

  test('fails with States.Timeout without one, and its Catch may take that', async () => {
    expect((await ask({ TimeoutSeconds: 30 })).end).toMatchObject({
      status: 'FAILED',
      error: 'States.Timeout',
    });
    const Catch = [{ ErrorEquals: ['States.Timeout'], ResultPath: '$.payment', Next: 'Paid' }];
    expect((await ask({ TimeoutSeconds: 30, Catch })).end?.output).toMatchObject({
      payment: { Error: 'States.Timeout' },
    });
  });

  test('of JSONata compares a value of any kind', async () => {
    const { end } = await play({
      definition: machineOf(
        {
          Pay: {
            Type: 'Message',
            CorrelationKey: 'order',
            CorrelationValue: "{% {'b': $states.input.id, 'a': 1} %}",
            Output: '{% $states.result.status %}',
            End: true,
          },
        },
        { QueryLanguage: 'JSONata' },
      ),
      input: { id: 'o-1' },
      messages: [{ atMs: 1, key: 'order', value: '{"a":1,"b":"o-1"}', data: { status: 'PAID' } }],
    });
    expect(end?.output).toBe('PAID');
  });
});
