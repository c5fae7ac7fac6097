import { getField, isObject, type Json, type JsonObject } from '../../std/json.js';
import { appendPointer } from '../../std/pointer.js';
import type { QueryLanguage } from '../definition.js';
import { ARRAY_FORMATS, HTTP_METHODS, isForbiddenHeader } from '../http-request.js';
import { isExpression } from '../jsonata/syntax.js';
import { type Complaints, describe } from './complaints.js';

/**
 * What can be seen of an HTTP task's request before it is made
 * (https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html). What expressions give is looked at when
 * they have given it.
 */
export function checkHttpRequest(
  parameters: JsonObject,
  language: QueryLanguage,
  pointer: string,
  complaints: Complaints,
): void {
  const written = (object: JsonObject, name: string): Json | undefined => {
    const value = getField(object, name);
    return language === 'JSONata' && isExpression(value ?? null) ? undefined : value;
  };
  const oneOf = (object: JsonObject, name: string, known: readonly string[], at: string): void => {
    const value = written(object, name);
    if (value === undefined || (typeof value === 'string' && known.includes(value))) return;
    complaints.schema(
      appendPointer(at, name),
      `Expected one of ${known.join(', ')}, found ${describe(value)}.`,
    );
  };

  oneOf(parameters, 'Method', HTTP_METHODS, pointer);
  const endpoint = written(parameters, 'ApiEndpoint');
  if (endpoint !== undefined && (typeof endpoint !== 'string' || !/^https?:\/\/[^/?#]/i.test(endpoint))) {
    complaints.schema(
      appendPointer(pointer, 'ApiEndpoint'),
      `Expected a URL that begins with https://, found ${describe(endpoint)}.`,
    );
  }
  const headers = written(parameters, 'Headers');
  if (headers !== undefined) checkHeaders(headers, pointer, complaints);
  for (const name of ['Authentication', 'InvocationConfig']) {
    const holder = written(parameters, name);
    if (holder === undefined) continue;
    const at = appendPointer(pointer, name);
    if (!isObject(holder)) complaints.schema(at, `Expected an object, found ${describe(holder)}.`);
    else if (!Object.hasOwn(holder, 'ConnectionArn') && !Object.hasOwn(holder, 'ConnectionArn.$'))
      complaints.schema(at, "The field 'ConnectionArn' is required but was missing");
  }
  const transform = written(parameters, 'Transform');
  if (transform === undefined) return;
  const at = appendPointer(pointer, 'Transform');
  if (!isObject(transform)) {
    complaints.schema(at, `Expected an object, found ${describe(transform)}.`);
    return;
  }
  oneOf(transform, 'RequestBodyEncoding', ['NONE', 'URL_ENCODED'], at);
  const options = written(transform, 'RequestEncodingOptions');
  if (isObject(options))
    oneOf(options, 'ArrayFormat', ARRAY_FORMATS, appendPointer(at, 'RequestEncodingOptions'));
}

/** In AWS's words. */
function checkHeaders(headers: Json, pointer: string, complaints: Complaints): void {
  if (!isObject(headers)) return;
  const names = Object.keys(headers).map((name) => name.replace(/\.\$$/, ''));
  const unsupported = names.filter(isForbiddenHeader).map((name) => name.toLowerCase());
  if (unsupported.length > 0)
    complaints.schema(
      pointer,
      `The 'Headers' field contains unsupported values: [${unsupported.join(', ')}]`,
    );
}
