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

describe('a service integration that runs', () => {
  test.each([
    ['lambda:invoke', 'lambda:invoke', 'requestResponse'],
    ['lambda:invoke.waitForTaskToken', 'lambda:invoke', 'waitForTaskToken'],
    ['http:invoke', 'http:invoke', 'requestResponse'],
    ['states:startExecution', 'states:startExecution', 'requestResponse'],
    ['states:startExecution.sync', 'states:startExecution', 'sync'],
    ['states:startExecution.sync:2', 'states:startExecution', 'sync:2'],
    ['states:startExecution.waitForTaskToken', 'states:startExecution', 'waitForTaskToken'],
    ['aws-sdk:sfn:startExecution', 'aws-sdk:sfn:startExecution', 'requestResponse'],
    ['aws-sdk:sfn:sendTaskSuccess', 'aws-sdk:sfn:sendTaskSuccess', 'requestResponse'],
    ['aws-sdk:sfn:sendTaskFailure', 'aws-sdk:sfn:sendTaskFailure', 'requestResponse'],
    ['aws-sdk:sfn:sendTaskHeartbeat', 'aws-sdk:sfn:sendTaskHeartbeat', 'requestResponse'],
  ])('%s', (text, service, pattern) => {
    expect(parseResource(`arn:aws:states:::${text}`)).toEqual({
      kind: 'integration',
      integration: { kind: 'service', service, pattern },
    });
  });
});

describe('an activity', () => {
  test.each([
    'arn:aws:states:us-east-1:123456789012:activity:approve',
    'arn:aws-us-gov:states:us-gov-west-1:123456789012:activity:approve.by-hand_2',
    'arn:aws:states:us-east-1:123456789012:activity:genehmigen-für-später',
  ])('%s', (activityArn) => {
    expect(parseResource(activityArn)).toEqual({
      kind: 'integration',
      integration: { kind: 'activity', activityArn },
    });
  });

  test.each(['a b', 'a*', 'x'.repeat(81), ''])('is not called %j', (name) => {
    expect(parseResource(`arn:aws:states:us-east-1:123456789012:activity:${name}`)).toEqual({
      kind: 'unknown',
    });
  });
});

describe('what AWS has and we do not is told from what nobody has', () => {
  test.each([
    ['sqs:sendMessage', 'requestResponse'],
    ['sqs:sendMessage.waitForTaskToken', 'waitForTaskToken'],
    ['batch:submitJob.sync', 'sync'],
    ['aws-sdk:sfn:startExecution.waitForTaskToken', 'waitForTaskToken'],
    ['aws-sdk:s3:getObject', 'requestResponse'],
  ])('%s', (text, pattern) => {
    expect(parseResource(`arn:aws:states:::${text}`)).toEqual({
      kind: 'unsupported',
      feature: `the service integration ${text}`,
      pattern,
    });
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
    'arn:aws:states:::http:invoke.waitForTaskToken',
    'arn:aws:states:::lambda:invoke.sync',
    'arn:aws:states:::lambda:invoke.sync:2',
    'arn:aws:states:::dynamodb:getItem.waitForTaskToken',
    'arn:aws:states:::aws-sdk:sfn:startExecution.sync',
    'arn:aws:states:::startExecution',
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
