import { describe, expect, test } from '@jest/globals';
import type { Case } from '../corpus.js';
import { renamed } from './renaming.js';

const FUNCTION = 'arn:aws:lambda:us-east-1:000000000000:function:';
const ACTIVITY = 'arn:aws:states:us-east-1:000000000000:activity:';

const CASE: Case = {
  id: 'x/fn',
  category: 'fn',
  kind: 'execution',
  features: [],
  definition: { States: { S: { Resource: `${FUNCTION}fn` }, T: { Resource: `${ACTIVITY}act` } } },
  input: { FunctionName: 'fn', other: 'fn_2', machine: 'arn:aws:states:::stateMachine:child' },
  lambdas: { fn: { source: 'identity' }, fn_2: { source: 'identity' } },
  stateMachines: { child: { definition: { Resource: `${FUNCTION}fn:1` } } },
  expected: { status: 'FAILED', cause: `no fn_3, fn and "${FUNCTION}fn_2"`, events: [] },
};

describe('a case that runs beside others', () => {
  test('has its functions, activities and machines under names of its own, wherever it names them', () => {
    expect(renamed(CASE, '-c1')).toEqual({
      ...CASE,
      definition: { States: { S: { Resource: `${FUNCTION}fn-c1` }, T: { Resource: `${ACTIVITY}act-c1` } } },
      input: { FunctionName: 'fn-c1', other: 'fn_2-c1', machine: 'arn:aws:states:::stateMachine:child-c1' },
      lambdas: { 'fn-c1': { source: 'identity' }, 'fn_2-c1': { source: 'identity' } },
      stateMachines: { 'child-c1': { definition: { Resource: `${FUNCTION}fn-c1:1` } } },
      expected: { status: 'FAILED', cause: `no fn_3, fn-c1 and "${FUNCTION}fn_2-c1"`, events: [] },
    });
  });

  test('keeps what is not there by name', () => {
    const alone = { ...CASE, lambdas: {}, stateMachines: {}, definition: {} };
    expect(renamed(alone, '-c1')).toEqual(alone);
  });

  test('has names no longer than AWS allows', () => {
    const name = 'n'.repeat(80);
    const long = renamed({ ...CASE, lambdas: { [name]: { source: 'identity' } } }, '-c1');
    expect(Object.keys(long.lambdas ?? {})).toEqual([`${'n'.repeat(77)}-c1`]);
  });
});
