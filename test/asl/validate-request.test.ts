import { describe, expect, test } from '@jest/globals';
import { validateDefinition } from '../../src/asl/index.js';
import type { Json, JsonObject } from '../../src/std/json.js';

function saidOf(service: string, parameters: Json, language = 'JSONPath'): string[] {
  const field = language === 'JSONata' ? 'Arguments' : 'Parameters';
  const definition: JsonObject = {
    QueryLanguage: language,
    StartAt: 'A',
    States: { A: { Type: 'Task', Resource: `arn:aws:states:::${service}`, [field]: parameters, End: true } },
  };
  return validateDefinition(definition).map(({ code, pointer, message }) => `${code} ${pointer} ${message}`);
}

describe('what a service is asked for', () => {
  test.each<[string, JsonObject]>([
    ['lambda:invoke', { 'FunctionName.$': '$.f', 'Payload.$': '$', LogType: 'Tail', Qualifier: 'live' }],
    ['lambda:invoke', { FunctionName: 'f', InvocationType: 'RequestResponse' }],
    ['states:startExecution.sync', { StateMachineArn: 'm', Input: { 'a.$': '$' }, 'Name.$': '$.n' }],
    ['aws-sdk:sfn:startExecution', { StateMachineArn: 'm', Input: '{}' }],
    ['aws-sdk:sfn:sendTaskSuccess', { 'TaskToken.$': '$.t', Output: 1 }],
    ['aws-sdk:sfn:sendTaskFailure', { TaskToken: 't', Error: 'E', Cause: 'c' }],
    ['aws-sdk:sfn:sendTaskHeartbeat', { TaskToken: 't' }],
  ])('%s takes %j', (service, parameters) => {
    expect(saidOf(service, parameters)).toEqual([]);
  });

  test('a field that the service does not have is refused in AWS words, whatever gives it', () => {
    const message =
      "SCHEMA_VALIDATION_FAILED /States/A/Parameters The field 'payload' is not supported by Step Functions";
    expect(saidOf('lambda:invoke', { FunctionName: 'f', payload: 1 })).toEqual([message]);
    expect(saidOf('lambda:invoke', { FunctionName: 'f', 'payload.$': '$' })).toEqual([message]);
    expect(saidOf('states:startExecution', { StateMachineArn: 'm', Payload: {} })).toHaveLength(1);
    expect(saidOf('lambda:invoke', { FunctionName: 'f', 'Payload.$': 1 }, 'JSONata')).toHaveLength(1);
  });

  test.each<[string, JsonObject, string]>([
    ['lambda:invoke', { FunctionName: 'f', ClientContext: 'x' }, 'ClientContext'],
    ['lambda:invoke', { FunctionName: 'f', InvocationType: 'Event' }, 'InvocationType'],
    ['lambda:invoke', { FunctionName: 'f', 'InvocationType.$': '$.type' }, 'InvocationType.$'],
    ['states:startExecution', { StateMachineArn: 'm', TraceHeader: 'x' }, 'TraceHeader'],
  ])('what %s would do otherwise than AWS with %j is refused by name', (service, parameters, field) => {
    expect(saidOf(service, parameters)).toEqual([
      expect.stringMatching(
        new RegExp(`^NOT_SUPPORTED_YET /States/A/Parameters/${field.replace('$', '\\$')} `),
      ),
    ]);
  });

  test('arguments that are one expression are not known yet', () => {
    expect(saidOf('lambda:invoke', '{% $states.input %}', 'JSONata')).toEqual([]);
  });
});
