/**
 * `http:invoke` (https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html): the request that a task's
 * parameters describe. What the connection adds is added where it is known, outside.
 */
import {
  ARRAY_FORMATS,
  type ArrayFormat,
  HTTP_METHODS,
  type HttpMethod,
  isForbiddenHeader,
  runtimeError,
} from '../../asl/index.js';
import { getField, isObject, type Json, type JsonObject } from '../../std/json.js';
import type { HttpRequestCall } from '../effects.js';

/** @throws StatesError States.Runtime for what is no request, or one that AWS does not allow. */
export function httpCall(parameters: JsonObject): HttpRequestCall {
  const body = parameters['RequestBody'];
  const form = formOf(parameters['Transform']);
  return {
    kind: 'httpRequest',
    connection: connectionOf(parameters),
    url: urlOf(parameters['ApiEndpoint']),
    method: methodOf(parameters['Method']),
    headers: headersOf(parameters['Headers']),
    query: queryOf(parameters['QueryParameters']),
    ...(body !== undefined && { body }),
    ...(form !== undefined && { form }),
  };
}

function connectionOf(parameters: JsonObject): string {
  const holder = parameters['InvocationConfig'] ?? parameters['Authentication'];
  const given =
    parameters['Connection'] ?? (isObject(holder) ? getField(holder, 'ConnectionArn') : undefined);
  if (typeof given === 'string' && given !== '') return given;
  throw runtimeError('The field "ConnectionArn" is required but was missing or not a string');
}

function urlOf(endpoint: Json | undefined): string {
  if (typeof endpoint === 'string' && /^https?:\/\/[^/?#]/i.test(endpoint)) return endpoint;
  throw runtimeError('The field "ApiEndpoint" is required and must be a URL that begins with https://');
}

function methodOf(given: Json | undefined): HttpMethod {
  const method = HTTP_METHODS.find((known) => known === given);
  if (method !== undefined) return method;
  throw runtimeError(`The field "Method" must be one of ${HTTP_METHODS.join(', ')}`);
}

/** Several values of a header are one, with commas between them (RFC 9110, section 5.3). */
function headersOf(given: Json | undefined): Record<string, string> {
  if (given === undefined || given === null) return {};
  if (!isObject(given)) throw runtimeError('The field "Headers" must be an object');
  const headers: Record<string, string> = {};
  const forbidden: string[] = [];
  for (const [name, value] of Object.entries(given)) {
    if (isForbiddenHeader(name)) forbidden.push(name.toLowerCase());
    const text = Array.isArray(value) ? value.map(scalarText).join(', ') : scalarText(value);
    if (!TOKEN.test(name) || !FIELD_VALUE.test(text))
      throw runtimeError(`The header ${JSON.stringify(name)} has a name or a value that no header may have`);
    headers[name] = text;
  }
  if (forbidden.length > 0)
    throw runtimeError(`The 'Headers' field contains unsupported values: [${forbidden.join(', ')}]`);
  return headers;
}

/** RFC 9110, sections 5.6.2 and 5.5: no line break can come through, and so no header or request of its own. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** An object, an array of objects or of `name=value`, or a text of those. */
function queryOf(given: Json | undefined): [string, string][] {
  if (given === undefined || given === null) return [];
  if (Array.isArray(given)) return given.flatMap(queryOf);
  if (typeof given === 'string') return [...new URLSearchParams(given)];
  if (!isObject(given))
    throw runtimeError('The field "QueryParameters" must be an object, an array or a string');
  return Object.entries(given).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one): [string, string] => [name, scalarText(one)]),
  );
}

function formOf(transform: Json | undefined): ArrayFormat | undefined {
  if (!isObject(transform)) return undefined;
  const encoding = transform['RequestBodyEncoding'] ?? 'NONE';
  if (encoding === 'NONE') return undefined;
  if (encoding !== 'URL_ENCODED')
    throw runtimeError('The field "RequestBodyEncoding" must be one of NONE, URL_ENCODED');
  const options = transform['RequestEncodingOptions'];
  const wanted = (isObject(options) ? options['ArrayFormat'] : undefined) ?? 'INDICES';
  const format = ARRAY_FORMATS.find((known) => known === wanted);
  if (format !== undefined) return format;
  throw runtimeError(`The field "ArrayFormat" must be one of ${ARRAY_FORMATS.join(', ')}`);
}

function scalarText(value: Json): string {
  if (value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
