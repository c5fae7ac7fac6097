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
    [
      'http:invoke',
      { ApiEndpoint: 'https://a.example/x', Method: 'GET', Authentication: { ConnectionArn: 'arn' } },
    ],
    [
      'http:invoke',
      {
        'ApiEndpoint.$': '$.url',
        'Method.$': '$.method',
        'InvocationConfig.$': '$.config',
        'Headers.$': '$.headers',
        QueryParameters: { a: 1 },
        RequestBody: { 'a.$': '$' },
        Transform: {
          RequestBodyEncoding: 'URL_ENCODED',
          RequestEncodingOptions: { ArrayFormat: 'COMMAS' },
        },
      },
    ],
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

  test.each<[JsonObject, string]>([
    [
      { Authentication: { ConnectionArn: 'c' }, Method: 'FETCH' },
      '/States/A/Parameters/Method Expected one of',
    ],
    [{}, '/States/A/Parameters Expected exactly one of [Authentication, InvocationConfig, Connection]'],
    [{ Authentication: {} }, "/States/A/Parameters/Authentication The field 'ConnectionArn' is required"],
    [
      { Connection: 'c', Authentication: { ConnectionArn: 'c' } },
      '/States/A/Parameters There should only be one',
    ],
    [{ Connection: 'c', ApiEndpoint: 'ftp://a.example' }, '/States/A/Parameters/ApiEndpoint Expected a URL'],
    [
      { Connection: 'c', Headers: { Authorization: 'x', 'X-Forwarded-For.$': '$.a', 'x-mine': 'y' } },
      "/States/A/Parameters The 'Headers' field contains unsupported values: [authorization, x-forwarded-for]",
    ],
    [
      { Connection: 'c', Transform: { RequestBodyEncoding: 'XML' } },
      '/States/A/Parameters/Transform/RequestBodyEncoding Expected one of NONE, URL_ENCODED',
    ],
    [
      { Connection: 'c', Transform: { RequestEncodingOptions: { ArrayFormat: 'PIPES' } } },
      '/States/A/Parameters/Transform/RequestEncodingOptions/ArrayFormat Expected one of INDICES',
    ],
    [
      { Connection: 'c', Url: 'x' },
      "/States/A/Parameters The field 'Url' is not supported by Step Functions",
    ],
  ])('an HTTP task that asks for %j is told what is wrong', (parameters, said) => {
    const request = { ApiEndpoint: 'https://a.example', Method: 'GET', ...parameters };
    expect(saidOf('http:invoke', request)).toEqual([
      expect.stringContaining(`SCHEMA_VALIDATION_FAILED ${said}`),
    ]);
  });

  test('what an expression gives to an HTTP task is looked at when it has given it', () => {
    const request = {
      ApiEndpoint: '{% $url %}',
      Method: '{% $m %}',
      Headers: '{% $h %}',
      Connection: '{% $c %}',
    };
    expect(saidOf('http:invoke', { ...request, Transform: '{% $t %}' }, 'JSONata')).toEqual([]);
  });

  test('the errors of HTTP tasks are names that are known', () => {
    const retry = { ErrorEquals: ['States.Http.StatusCode.429', 'States.Http.Socket'] };
    const state = { Type: 'Task', Resource: 'f', Retry: [retry], End: true };
    const said = (more: JsonObject) =>
      validateDefinition({ StartAt: 'A', States: { A: { ...state, ...more } } }).map(({ code }) => code);
    expect(said({})).toEqual([]);
    expect(said({ Retry: [{ ErrorEquals: ['States.Http.StatusCode.999'] }] })).toEqual([
      'UNKNOWN_ERROR_NAME',
    ]);
  });

  test('arguments that are one expression are not known yet', () => {
    expect(saidOf('lambda:invoke', '{% $states.input %}', 'JSONata')).toEqual([]);
  });
});
