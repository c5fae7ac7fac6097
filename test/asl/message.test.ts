import { describe, expect, test } from '@jest/globals';
import {
  compileMachine,
  correlationOf,
  correlationText,
  type MessageState,
  messageResult,
  messageTimeout,
  type Scope,
  validateDefinition,
} from '../../src/asl/index.js';
import type { Json, JsonObject } from '../../src/std/json.js';

const AFTER = { Late: { Type: 'Succeed' } };

function saidOf(fields: JsonObject, type: 'STANDARD' | 'EXPRESS' = 'STANDARD'): string[] {
  const message = { Type: 'Message', CorrelationKey: 'order', End: true, ...fields };
  const others = fields['TimeoutPath'] === 'Late' ? AFTER : {};
  return validateDefinition({ StartAt: 'M', States: { M: message, ...others } }, { type }).map(
    ({ code, pointer, message: text }) => `${code} ${pointer.replace('/States/M', '')}: ${text}`,
  );
}

function compiled(fields: JsonObject): MessageState {
  const message = { Type: 'Message', CorrelationKey: 'order', End: true, ...fields };
  const others = fields['TimeoutPath'] === 'Late' ? AFTER : {};
  const definition = { StartAt: 'M', States: { M: message, ...others } };
  expect(validateDefinition(definition)).toEqual([]);
  const state = compileMachine(definition).states.get('M');
  if (state?.type !== 'Message') throw new Error('there is no Message state M');
  return state;
}

function scopeOf(input: Json, variables: JsonObject = {}): Scope {
  return {
    input,
    context: { Execution: { Id: 'e-1' } },
    variables,
    nowMs: 0,
    entropy: { random: () => 0.5, uuid: () => '00000000-0000-4000-8000-000000000000' },
  };
}

describe('the definition of a Message state', () => {
  test('needs a correlation key that says something', () => {
    const state = { Type: 'Message', End: true };
    expect(validateDefinition({ StartAt: 'M', States: { M: state } })).toMatchObject([
      { pointer: '/States/M', message: 'These fields are required: [CorrelationKey]' },
    ]);
    expect(saidOf({ CorrelationKey: '' })).toEqual([
      'SCHEMA_VALIDATION_FAILED /CorrelationKey: Value cannot be empty',
    ]);
    expect(saidOf({ CorrelationKey: 5 })).toHaveLength(1);
    expect(saidOf({ CorrelationKey: 'x'.repeat(1024) })).toEqual([]);
    expect(saidOf({ CorrelationKey: 'x'.repeat(1025) })).toHaveLength(1);
  });

  test('leads to the state of its TimeoutPath, which must be there and is reached by it', () => {
    expect(saidOf({ TimeoutSeconds: 5, TimeoutPath: 'Late' })).toEqual([]);
    expect(saidOf({ TimeoutSeconds: 5, TimeoutPath: 'Nowhere' })).toEqual([
      "MISSING_TRANSITION_TARGET /TimeoutPath: Missing 'Next' target: Nowhere",
    ]);
  });

  test('has a timeout that is positive, given once, and where its TimeoutPath needs one', () => {
    expect(saidOf({ TimeoutSeconds: 0 })).toEqual([
      'SCHEMA_VALIDATION_FAILED /TimeoutSeconds: Minimum value is 1',
    ]);
    expect(saidOf({ TimeoutSeconds: 1, TimeoutSecondsPath: '$.t' })).toHaveLength(1);
    expect(saidOf({ TimeoutPath: 'Late' })).toEqual([
      expect.stringMatching(/^SCHEMA_VALIDATION_FAILED : Field 'TimeoutPath'/),
    ]);
  });

  test('has no Retry, and no fields of the other language', () => {
    expect(saidOf({ Retry: [] })).toEqual(["SCHEMA_VALIDATION_FAILED : Field 'Retry' is not supported"]);
    expect(saidOf({ CorrelationValue: 1 })).toHaveLength(1);
    expect(saidOf({ QueryLanguage: 'JSONata', CorrelationValuePath: '$.a' })).toHaveLength(1);
    expect(saidOf({ QueryLanguage: 'JSONata', MessagePath: '$.a' })).toHaveLength(1);
  });

  test('is refused in an Express machine', () => {
    expect(saidOf({}, 'EXPRESS')).toEqual([
      'SCHEMA_VALIDATION_FAILED : Express state machine does not support Message states',
    ]);
  });
});

describe('what a message must name', () => {
  test('is the whole effective input without a path', async () => {
    expect(await correlationOf(compiled({}), scopeOf({ a: 1 }), { b: 2, a: 1 })).toEqual({
      key: 'order',
      value: '{"a":1,"b":2}',
    });
  });

  test('is what the path finds, in the input, in the context object or in a variable', async () => {
    const valueAt = async (path: string): Promise<string> => {
      const state = compiled({ CorrelationValuePath: path });
      return (await correlationOf(state, scopeOf({}, { id: 'v-1' }), { order: { id: 'o-1' } })).value;
    };
    expect(await valueAt('$.order.id')).toBe('o-1');
    expect(await valueAt('$$.Execution.Id')).toBe('e-1');
    expect(await valueAt('$id')).toBe('v-1');
    await expect(async () => valueAt('$.nothing')).rejects.toMatchObject({
      error: 'States.Runtime',
      cause:
        'The JSONPath \'$.nothing\' specified for the field \'CorrelationValuePath\' could not be found in the input \'{"order":{"id":"o-1"}}\'',
    });
  });

  test('is evaluated in JSONata, key and value', async () => {
    const state = compiled({
      QueryLanguage: 'JSONata',
      CorrelationKey: "{% 'order-' & $states.input.kind %}",
      CorrelationValue: { id: '{% $states.input.id %}', a: 1 },
    });
    expect(await correlationOf(state, scopeOf({ kind: 'big', id: 7 }), {})).toEqual({
      key: 'order-big',
      value: '{"a":1,"id":7}',
    });
    const empty = compiled({ QueryLanguage: 'JSONata', CorrelationKey: "{% '' %}" });
    await expect(async () => correlationOf(empty, scopeOf({}), {})).rejects.toMatchObject({
      error: 'States.QueryEvaluationError',
      location: 'CorrelationKey',
    });
  });

  test('is the same text for values that are equal', () => {
    const left = { b: [1, { d: null, c: 'x' }], a: 1.0, é: true };
    const right = { é: true, a: 1, b: [1, { c: 'x', d: null }] };
    expect(correlationText(left)).toBe(correlationText(right));
    expect(JSON.parse(correlationText(left))).toEqual(left);
    expect(correlationText([1, 2])).not.toBe(correlationText([2, 1]));
    expect(correlationText('plain')).toBe('plain');
  });
});

test('the timeout is written, looked up or evaluated, and positive', async () => {
  expect(await messageTimeout(compiled({}), scopeOf({}), {})).toBeUndefined();
  expect(await messageTimeout(compiled({ TimeoutSeconds: 9 }), scopeOf({}), {})).toBe(9);
  const found = compiled({ TimeoutSecondsPath: '$.t' });
  expect(await messageTimeout(found, scopeOf({}), { t: 3 })).toBe(3);
  expect(() => messageTimeout(found, scopeOf({}), { t: 0 })).toThrow(
    'TimeoutSeconds must be between 1 and 99999999, but was 0.',
  );
  const evaluated = compiled({ QueryLanguage: 'JSONata', TimeoutSeconds: '{% $states.input.t * 2 %}' });
  expect(await messageTimeout(evaluated, scopeOf({ t: 4 }), {})).toBe(8);
});

test("the result is the message's data, or the part of it at MessagePath", () => {
  expect(messageResult(compiled({}), scopeOf({}), { a: 1 })).toEqual({ a: 1 });
  const part = compiled({ MessagePath: '$.items[*].id' });
  expect(messageResult(part, scopeOf({}), { items: [{ id: 1 }, { id: 2 }] })).toEqual([1, 2]);
  const missing = compiled({ MessagePath: '$.a' });
  expect(() => messageResult(missing, scopeOf({}), { b: 1 })).toThrow(
    "The JSONPath '$.a' specified for the field 'MessagePath' could not be found in the message '{\"b\":1}'",
  );
});
