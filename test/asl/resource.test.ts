import { describe, expect, test } from '@jest/globals';
import { functionNameOf } from '../../src/asl/index.js';
import { parseResource } from '../../src/asl/resource.js';

describe('a Resource that is a function', () => {
  test.each([
    ['charge-card', 'charge-card'],
    ['arn:aws:lambda:us-east-1:123456789012:function:charge', 'charge'],
    ['arn:aws-cn:lambda:cn-north-1:123456789012:function:charge:$LATEST', 'charge'],
    ['arn:aws:lambda:us-east-1:123456789012:function:charge:live', 'charge'],
    ['arn:aws:lambda:::charge', 'charge'],
    ['arn:aws:lambda:::function:charge', 'charge'],
  ])('%s names the handler %s', (resource, functionName) => {
    expect(parseResource(resource)).toEqual({
      kind: 'integration',
      integration: { kind: 'function', functionName },
    });
  });
});

test('lambda:invoke finds its function in the parameters', () => {
  expect(parseResource('arn:aws:states:::lambda:invoke')).toEqual({
    kind: 'integration',
    integration: { kind: 'lambdaInvoke' },
  });
});

describe('what AWS does not have either is unknown', () => {
  test.each([
    '',
    'a b',
    'charge:live',
    '{lambda}',
    'arn:aws:states:::dynamodb:query',
    'arn:aws:states:::lambda:invoke.sometimes',
    'arn:aws:swf:us-east-1:1:task:x',
    'arn:aws:lambda:r:1:function:F:',
    'arn:aws:lambda:r:1:function:F:$*#',
    'arn:aws:states:::aws-sdk:s3',
  ])('%j', (resource) => {
    expect(parseResource(resource)).toEqual({ kind: 'unknown' });
  });
});

describe('a FunctionName', () => {
  test.each([
    ['charge', 'charge'],
    ['charge:live', 'charge'],
    ['123456789012:function:charge', 'charge'],
    ['arn:aws:lambda:us-east-1:123456789012:function:charge:$LATEST', 'charge'],
    ['arn:aws:states:us-east-1:1:stateMachine:m', undefined],
    ['a b', undefined],
  ])('%s: %s', (text, name) => {
    expect(functionNameOf(text)).toBe(name);
  });
});
