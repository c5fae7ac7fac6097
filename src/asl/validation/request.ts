import { isObject, type JsonObject } from '../../std/json.js';
import { appendPointer } from '../../std/pointer.js';
import type { QueryLanguage } from '../definition.js';
import { isExpression } from '../jsonata/syntax.js';
import type { ServiceAction } from '../resource.js';
import { type Complaints, describe } from './complaints.js';
import { checkHttpRequest } from './http-request.js';
import { checkExactlyOne, checkRequired, fieldOf } from './object.js';

/**
 * What a service is asked for, in the parameters of a Task that calls it
 * (https://docs.aws.amazon.com/step-functions/latest/dg/connect-parameters.html): what it cannot be called
 * without, and nothing that it would not be given. Arguments that are one expression are seen when they are there.
 */
export function checkRequest(
  service: ServiceAction,
  task: JsonObject,
  language: QueryLanguage,
  pointer: string,
  complaints: Complaints,
): void {
  const { required, optional = [], notYet = [], only = {}, oneOf } = REQUESTS[service];
  const field = language === 'JSONata' ? 'Arguments' : 'Parameters';
  const parameters = fieldOf(task, field);
  if (parameters === undefined) {
    checkRequired(task, [field], pointer, complaints);
    return;
  }
  if (language === 'JSONata' && isExpression(parameters)) return;
  const at = appendPointer(pointer, field);
  if (!isObject(parameters)) {
    complaints.schema(at, `Expected an object with ${required.join(', ')}, found ${describe(parameters)}.`);
    return;
  }
  for (const [key, value] of Object.entries(parameters)) {
    const name = language === 'JSONPath' ? key.replace(/\.\$$/, '') : key;
    if (Object.hasOwn(only, name)) {
      if (key !== name || value !== only[name])
        complaints.notSupported(appendPointer(at, key), `the ${name} ${JSON.stringify(value)} of ${service}`);
    } else if (notYet.includes(name)) {
      complaints.notSupported(appendPointer(at, key), `the field ${name} of ${service}`);
    } else if (!required.includes(name) && !optional.includes(name)) {
      complaints.schema(at, `The field '${name}' is not supported by Step Functions`);
    }
  }
  for (const name of required) {
    const evaluated = language === 'JSONPath' && Object.hasOwn(parameters, `${name}.$`);
    if (!Object.hasOwn(parameters, name) && !evaluated)
      complaints.schema(at, `The field '${name}' is required but was missing`);
  }
  if (oneOf !== undefined && !oneOf.some((name) => Object.hasOwn(parameters, `${name}.$`)))
    checkExactlyOne(parameters, oneOf, at, complaints);
  if (service === 'http:invoke') checkHttpRequest(parameters, language, at, complaints);
}

interface Request {
  required: readonly string[];
  optional?: readonly string[];
  /** AWS has them, and we would have to leave them out. */
  notYet?: readonly string[];
  /** Fields that may only say what happens without them. */
  only?: Readonly<Record<string, string>>;
  /** Optional ones of which there must be exactly one. */
  oneOf?: readonly string[];
}

/** The fields of each call, from the API reference of its service. */
const REQUESTS: Readonly<Record<ServiceAction, Request>> = {
  'lambda:invoke': {
    required: ['FunctionName'],
    // A Qualifier is accepted as the one in an ARN is: a handler has no versions.
    optional: ['Payload', 'LogType', 'Qualifier'],
    notYet: ['ClientContext', 'DurableExecutionName', 'TenantId'],
    only: { InvocationType: 'RequestResponse' },
  },
  'http:invoke': {
    required: ['ApiEndpoint', 'Method'],
    optional: [
      'Authentication',
      'InvocationConfig',
      'Connection',
      'Headers',
      'QueryParameters',
      'RequestBody',
      'Transform',
    ],
    // The two that AWS has say the same; Connection is ours, and names one of this house.
    oneOf: ['Authentication', 'InvocationConfig', 'Connection'],
  },
  'states:startExecution': {
    required: ['StateMachineArn'],
    optional: ['Input', 'Name'],
    notYet: ['TraceHeader'],
  },
  'aws-sdk:sfn:startExecution': {
    required: ['StateMachineArn'],
    optional: ['Input', 'Name'],
    notYet: ['TraceHeader'],
  },
  'aws-sdk:sfn:sendTaskSuccess': { required: ['TaskToken', 'Output'] },
  'aws-sdk:sfn:sendTaskFailure': { required: ['TaskToken'], optional: ['Error', 'Cause'] },
  'aws-sdk:sfn:sendTaskHeartbeat': { required: ['TaskToken'] },
};
