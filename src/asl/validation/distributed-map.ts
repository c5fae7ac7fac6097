import { isObject, type Json, type JsonObject } from '../../std/json.js';
import { appendPointer } from '../../std/pointer.js';
import type { QueryLanguage } from '../definition.js';
import { MAX_BATCH_BYTES, MAX_ITEMS } from '../distributed-map.js';
import { type Check, integer, name, oneOf } from './checks.js';
import { type Complaints, describe } from './complaints.js';
import { expressionOr, jsonataValue } from './jsonata.js';
import { label } from './labels.js';
import { onlyIn } from './language.js';
import { checkExclusive, checkFields, checkRequired, fieldOf, type Schema } from './object.js';
import { numberPath } from './paths.js';
import { payloadTemplate } from './template.js';

/**
 * The fields that only a distributed Map has
 * (https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html).
 */
export function distributedFields(language: QueryLanguage): Schema {
  return {
    Label: label,
    ItemReader: objectOf('an ItemReader', (value, pointer, complaints) =>
      checkReader(value, pointer, complaints, language),
    ),
    ItemBatcher: objectOf('an ItemBatcher', (value, pointer, complaints) =>
      checkBatcher(value, pointer, complaints, language),
    ),
    ResultWriter: objectOf('a ResultWriter', (value, pointer, complaints) =>
      checkWriter(value, pointer, complaints, language),
    ),
  };
}

type CheckObject = (value: JsonObject, pointer: string, complaints: Complaints) => void;

function objectOf(what: string, check: CheckObject): Check {
  return (value, pointer, complaints) => {
    if (isObject(value)) check(value, pointer, complaints);
    else complaints.schema(pointer, `Expected ${what}, an object, found ${describe(value)}.`);
  };
}

/** What the call of a Resource is asked for: Arguments or Parameters, by the language. */
const REQUEST: Readonly<Record<QueryLanguage, Schema>> = {
  JSONPath: { Parameters: objectOf('Parameters', payloadTemplate), Arguments: onlyIn('JSONata') },
  JSONata: {
    Arguments: expressionOr(objectOf('Arguments', jsonataValue)),
    Parameters: onlyIn('JSONPath'),
  },
};

/** A number that is written there or found: by an expression, or by the `…Path` twin. */
function limits(language: QueryLanguage, fields: Readonly<Record<string, Check>>): Schema {
  const schema: Record<string, Check> = {};
  for (const [field, check] of Object.entries(fields)) {
    schema[field] = language === 'JSONata' ? expressionOr(check) : check;
    schema[`${field}Path`] = language === 'JSONata' ? onlyIn('JSONPath') : numberPath;
  }
  return schema;
}

const READERS: readonly string[] = ['s3:getObject', 's3:listObjectsV2'];
const WRITERS: readonly string[] = ['s3:putObject'];

/** `arn:aws:states:::s3:getObject`, in any partition. */
function actionIn(resource: Json | undefined): string | undefined {
  return typeof resource === 'string' ? /^arn:[\w-]+:states:::([\w-]+:\w+)$/.exec(resource)?.[1] : undefined;
}

function oneOfActions(actions: readonly string[]): Check {
  return (value, pointer, complaints) => {
    if (actions.includes(actionIn(value) ?? '')) return;
    complaints.schema(
      pointer,
      `Expected one of the resources [${actions.map((action) => `arn:aws:states:::${action}`).join(', ')}], found ${describe(value)}.`,
    );
  };
}

function checkReader(
  reader: JsonObject,
  pointer: string,
  complaints: Complaints,
  language: QueryLanguage,
): void {
  checkRequired(
    reader,
    ['Resource', language === 'JSONata' ? 'Arguments' : 'Parameters'],
    pointer,
    complaints,
  );
  const schema = {
    Resource: oneOfActions(READERS),
    ReaderConfig: readerConfig(language),
    ...REQUEST[language],
  };
  checkFields(reader, schema, pointer, complaints);
  const lists = actionIn(fieldOf(reader, 'Resource')) === 's3:listObjectsV2';
  checkBucket(reader, lists ? ['Bucket'] : ['Bucket', 'Key'], pointer, complaints, language);
  checkSource(fieldOf(reader, 'ReaderConfig'), lists, pointer, complaints);
}

/** The objects are named by strings, which may be found in other ways than by being written there. */
function checkBucket(
  owner: JsonObject,
  names: readonly string[],
  pointer: string,
  complaints: Complaints,
  language: QueryLanguage,
): void {
  const field = language === 'JSONata' ? 'Arguments' : 'Parameters';
  const request = fieldOf(owner, field);
  if (!isObject(request)) return;
  for (const wanted of names) {
    if (Object.hasOwn(request, wanted))
      name(request[wanted] ?? null, appendPointer(pointer, field, wanted), complaints);
    else if (language === 'JSONata' || !Object.hasOwn(request, `${wanted}.$`)) {
      complaints.schema(appendPointer(pointer, field), `The field '${wanted}' is required but was missing`);
    }
  }
}

const INPUT_TYPES: readonly string[] = ['CSV', 'JSON', 'JSONL', 'PARQUET', 'MANIFEST'];

/** AWS's own limit for CSVHeaders, in bytes. */
const MAX_HEADER_BYTES = 10 * 1024;

const inputType: Check = (value, pointer, complaints) => {
  oneOf(...INPUT_TYPES)(value, pointer, complaints);
  if (value === 'PARQUET') complaints.notSupported(pointer, 'the InputType PARQUET');
};

const csvHeaders: Check = (value, pointer, complaints) => {
  if (!Array.isArray(value) || !value.every((header) => typeof header === 'string')) {
    complaints.schema(pointer, `Expected an array of strings, found ${describe(value)}.`);
  } else if (value.length === 0) {
    complaints.schema(pointer, 'Value cannot be empty');
  } else if (Buffer.byteLength(value.join('')) > MAX_HEADER_BYTES) {
    complaints.schema(pointer, `Expected at most ${MAX_HEADER_BYTES} bytes of headers, found more.`);
  }
};

/** RFC 6901. */
const jsonPointer: Check = (value, pointer, complaints) => {
  if (typeof value !== 'string' || !/^(?:\/(?:[^~/]|~[01])*)*$/.test(value)) {
    complaints.schema(pointer, `Expected a JSON Pointer, found ${describe(value)}.`);
  }
};

const READER_CONFIG: Readonly<Record<string, Check>> = {
  InputType: inputType,
  Transformation: oneOf('NONE', 'LOAD_AND_FLATTEN'),
  ManifestType: oneOf('S3_INVENTORY', 'ATHENA_DATA'),
  CSVHeaderLocation: oneOf('FIRST_ROW', 'GIVEN'),
  CSVHeaders: csvHeaders,
  CSVDelimiter: oneOf('COMMA', 'PIPE', 'SEMICOLON', 'SPACE', 'TAB'),
  ItemsPointer: jsonPointer,
};

function readerConfig(language: QueryLanguage): Check {
  const schema = {
    ...(language === 'JSONata' ? orExpressions(READER_CONFIG) : READER_CONFIG),
    ...limits(language, { MaxItems: integer(0, MAX_ITEMS) }),
  };
  return objectOf('a ReaderConfig', (value, pointer, complaints) => {
    checkFields(value, schema, pointer, complaints);
    checkExclusive(value, ['MaxItems', 'MaxItemsPath'], pointer, complaints);
  });
}

function orExpressions(checks: Readonly<Record<string, Check>>): Schema {
  return Object.fromEntries(Object.entries(checks).map(([field, check]) => [field, expressionOr(check)]));
}

/** What ReaderConfig must say so that the items can be read at all. */
function checkSource(
  readerConfig: Json | undefined,
  lists: boolean,
  pointer: string,
  complaints: Complaints,
): void {
  if (readerConfig !== undefined && !isObject(readerConfig)) return;
  const config = readerConfig ?? {};
  const at = appendPointer(pointer, 'ReaderConfig');
  const loads = fieldOf(config, 'Transformation') === 'LOAD_AND_FLATTEN';
  if (loads && !lists) {
    complaints.schema(
      appendPointer(at, 'Transformation'),
      'Expected LOAD_AND_FLATTEN only with the resource arn:aws:states:::s3:listObjectsV2.',
    );
  }
  const read = !lists || loads;
  if (read && !Object.hasOwn(config, 'InputType')) {
    complaints.schema(readerConfig === undefined ? pointer : at, 'These fields are required: [InputType]');
  }
  if (fieldOf(config, 'InputType') === 'CSV' && read) {
    checkRequired(config, ['CSVHeaderLocation'], at, complaints);
    if (fieldOf(config, 'CSVHeaderLocation') === 'GIVEN')
      checkRequired(config, ['CSVHeaders'], at, complaints);
  }
}

function checkBatcher(
  batcher: JsonObject,
  pointer: string,
  complaints: Complaints,
  language: QueryLanguage,
): void {
  const schema = {
    BatchInput: language === 'JSONata' ? jsonataValue : payloadTemplate,
    ...limits(language, {
      MaxItemsPerBatch: integer(0, MAX_ITEMS),
      MaxInputBytesPerBatch: integer(0, MAX_BATCH_BYTES),
    }),
  };
  checkFields(batcher, schema, pointer, complaints);
  const names = ['MaxItemsPerBatch', 'MaxInputBytesPerBatch'].map((field) => [field, `${field}Path`]);
  for (const pair of names) checkExclusive(batcher, pair, pointer, complaints);
  if (!names.flat().some((field) => Object.hasOwn(batcher, field))) {
    complaints.schema(pointer, `Expected at least one of [${names.flat().join(', ')}], found none.`);
  }
}

const WRITER_CONFIG: Readonly<Record<string, Check>> = {
  Transformation: oneOf('NONE', 'COMPACT', 'FLATTEN'),
  OutputType: oneOf('JSON', 'JSONL'),
};

/** A place to write to, a way to transform what is written or returned, or both. */
function checkWriter(
  writer: JsonObject,
  pointer: string,
  complaints: Complaints,
  language: QueryLanguage,
): void {
  const config: Schema = language === 'JSONata' ? orExpressions(WRITER_CONFIG) : WRITER_CONFIG;
  const schema: Schema = {
    Resource: oneOfActions(WRITERS),
    WriterConfig: objectOf('a WriterConfig', (value, at, list) => checkFields(value, config, at, list)),
    ...REQUEST[language],
  };
  checkFields(writer, schema, pointer, complaints);
  const request = language === 'JSONata' ? 'Arguments' : 'Parameters';
  const writes = Object.hasOwn(writer, 'Resource') || Object.hasOwn(writer, request);
  if (writes) {
    checkRequired(writer, ['Resource', request], pointer, complaints);
    checkBucket(writer, ['Bucket'], pointer, complaints, language);
  } else {
    checkRequired(writer, ['WriterConfig'], pointer, complaints);
  }
}
