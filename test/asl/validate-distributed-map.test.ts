import { describe, expect, test } from '@jest/globals';
import { compileMachine, type MapState, validateDefinition } from '../../src/asl/index.js';
import type { JsonObject } from '../../src/std/json.js';

const PASS = { StartAt: 'I', States: { I: { Type: 'Pass', End: true } } };

function processor(config: JsonObject, group: JsonObject = PASS): JsonObject {
  return { ...group, ProcessorConfig: config };
}

const DISTRIBUTED = processor({ Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' });
const GET = 'arn:aws:states:::s3:getObject';
const LIST = 'arn:aws:states:::s3:listObjectsV2';
const PUT = 'arn:aws:states:::s3:putObject';
const PLACE = { Bucket: 'b', Key: 'k' };

/** What is said of a Map with these fields, as `pointer: message`, the pointer from the state on. */
function saidOf(fields: JsonObject, type: 'STANDARD' | 'EXPRESS' = 'STANDARD'): string[] {
  const map = { Type: 'Map', ItemProcessor: DISTRIBUTED, End: true, ...fields };
  return validateDefinition({ StartAt: 'M', States: { M: map } }, { type }).map(
    ({ pointer, message }) => `${pointer.replace('/States/M', '')}: ${message}`,
  );
}

function compiled(fields: JsonObject): MapState {
  const definition = {
    StartAt: 'M',
    States: { M: { Type: 'Map', ItemProcessor: DISTRIBUTED, End: true, ...fields } },
  };
  expect(validateDefinition(definition)).toEqual([]);
  const state = compileMachine(definition).states.get('M');
  if (state?.type !== 'Map') throw new Error('there is no Map M');
  return state;
}

test('a distributed Map says how its children run', () => {
  expect(compiled({}).distributed).toMatchObject({ executionType: 'STANDARD', itemReader: undefined });
  const express = processor({ Mode: 'DISTRIBUTED', ExecutionType: 'EXPRESS' });
  expect(compiled({ ItemProcessor: express }).distributed).toMatchObject({ executionType: 'EXPRESS' });
  expect(saidOf({ ItemProcessor: processor({ Mode: 'DISTRIBUTED' }) })).toEqual([
    '/ItemProcessor/ProcessorConfig: These fields are required: [ExecutionType]',
  ]);
});

test('the legacy Iterator may be distributed too', () => {
  const map = { Type: 'Map', Iterator: DISTRIBUTED, End: true };
  const definition = { StartAt: 'M', States: { M: map } };
  expect(validateDefinition(definition)).toEqual([]);
  expect(compileMachine(definition).states.get('M')).toMatchObject({
    distributed: { executionType: 'STANDARD' },
  });
});

test('an inline Map has neither what only a distributed one has, nor children with a type', () => {
  const fields = {
    ItemProcessor: processor({ Mode: 'INLINE', ExecutionType: 'STANDARD' }),
    Label: 'l',
    ItemReader: { Resource: GET, Parameters: PLACE, ReaderConfig: { InputType: 'JSON' } },
    ItemBatcher: { MaxItemsPerBatch: 1 },
    ResultWriter: { Resource: PUT, Parameters: { Bucket: 'b' } },
  };
  expect(saidOf(fields).map((text) => text.slice(0, text.indexOf(':')))).toEqual([
    '/ItemProcessor/ProcessorConfig/ExecutionType',
    '/ItemReader',
    '/ItemBatcher',
    '/ResultWriter',
    '/Label',
  ]);
  const { ItemProcessor: _, ...rest } = fields;
  expect(saidOf({ ...rest, ItemProcessor: PASS })).toHaveLength(4);
});

test('an Express machine has no distributed Map, and Express children no tasks that wait', () => {
  expect(saidOf({}, 'EXPRESS')).toEqual([expect.stringMatching(/^: Express state machine does not support/)]);
  const waiting = {
    StartAt: 'T',
    States: {
      T: { Type: 'Task', Resource: 'arn:aws:states:us-east-1:000000000000:activity:a', End: true },
    },
  };
  const config = (type: string): JsonObject => ({ Mode: 'DISTRIBUTED', ExecutionType: type });
  expect(saidOf({ ItemProcessor: processor(config('STANDARD'), waiting) })).toEqual([]);
  expect(saidOf({ ItemProcessor: processor(config('EXPRESS'), waiting) })).toEqual([
    '/ItemProcessor/States/T/Resource: Express state machine does not support Activity ARN',
  ]);
});

test('a distributed Map may stand in another, but not in one with Express children', () => {
  const nest = (type: string): JsonObject =>
    processor(
      { Mode: 'DISTRIBUTED', ExecutionType: type },
      { StartAt: 'N', States: { N: { Type: 'Map', ItemProcessor: inner, End: true } } },
    );
  const inner = processor(
    { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
    { StartAt: 'J', States: { J: { Type: 'Pass', End: true } } },
  );
  expect(saidOf({ ItemProcessor: nest('STANDARD') })).toEqual([]);
  expect(saidOf({ ItemProcessor: nest('EXPRESS') })).toEqual([
    expect.stringMatching(/^\/ItemProcessor\/States\/N: Express state machine does not support/),
  ]);
});

test('the children of a distributed Map may set a variable of the same name, those of an inline one may not', () => {
  const setting = { StartAt: 'I', States: { I: { Type: 'Pass', Assign: { v: 1 }, End: true } } };
  const machine = (config: JsonObject): JsonObject => ({
    StartAt: 'A',
    States: {
      A: { Type: 'Pass', Assign: { v: 1 }, Next: 'M' },
      M: { Type: 'Map', ItemProcessor: processor(config, setting), End: true },
    },
  });
  expect(validateDefinition(machine({ Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' }))).toEqual([]);
  expect(validateDefinition(machine({ Mode: 'INLINE' }))).toHaveLength(1);
});

describe('a Label', () => {
  test.each(['a b', 'a?', 'a*', '<a>', 'a:b', 'a/b,', 'a\tb', '', 'x'.repeat(41)])('is not %j', (label) => {
    expect(saidOf({ Label: label })).toEqual([expect.stringMatching(/^\/Label: /)]);
  });

  test('may be of any script, and of forty characters', () => {
    expect(compiled({ Label: 'größe' }).distributed?.label).toBe('größe');
    expect(saidOf({ Label: 'x'.repeat(40) })).toEqual([]);
  });

  test('is the only one of its name in the machine', () => {
    const map = (name: string, next: JsonObject, label?: string): JsonObject => ({
      Type: 'Map',
      ...(label !== undefined && { Label: label }),
      ItemProcessor: processor(
        { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
        { StartAt: name, States: { [name]: { Type: 'Succeed' } } },
      ),
      ...next,
    });
    const twice = {
      StartAt: 'M',
      States: { M: map('i', { Next: 'N' }, 'same'), N: map('j', { End: true }, 'same') },
    };
    expect(validateDefinition(twice)).toMatchObject([
      { code: 'DUPLICATE_LABEL_NAME', pointer: '/States/N/Label' },
    ]);
    const made = {
      StartAt: 'a b',
      States: {
        'a b': map('i', { Next: 'a-b' }),
        'a-b': map('j', { Next: 'last' }),
        last: map('k', { Next: 'x'.repeat(80) }, 'a-b'),
        ['x'.repeat(80)]: map('l', { End: true }),
      },
    };
    expect(validateDefinition(made)).toEqual([]);
    const labels = [...compileMachine(made).states.values()].map(
      (state) => state.type === 'Map' && state.distributed?.label,
    );
    expect(labels).toEqual(['a-b-2', 'a-b-3', 'a-b', 'x'.repeat(40)]);
  });
});

describe('an ItemReader', () => {
  const reader = (config: JsonObject, more: JsonObject = {}): JsonObject => ({
    ItemReader: { Resource: GET, Parameters: PLACE, ReaderConfig: config, ...more },
  });

  test.each<[string, JsonObject]>([
    ['JSON', { InputType: 'JSON', ItemsPointer: '/a/~0b/0' }],
    ['JSON Lines', { InputType: 'JSONL', MaxItems: 5 }],
    ['CSV with headers in its first row', { InputType: 'CSV', CSVHeaderLocation: 'FIRST_ROW' }],
    [
      'CSV with headers given',
      { InputType: 'CSV', CSVHeaderLocation: 'GIVEN', CSVHeaders: ['a'], CSVDelimiter: 'PIPE' },
    ],
    ['a manifest', { InputType: 'MANIFEST', ManifestType: 'S3_INVENTORY', MaxItemsPath: '$.max' }],
    ["Athena's manifest", { InputType: 'CSV', ManifestType: 'ATHENA_DATA', CSVHeaderLocation: 'FIRST_ROW' }],
  ])('reads %s', (_what, config) => {
    expect(saidOf(reader(config))).toEqual([]);
  });

  test.each<[string, JsonObject, string]>([
    ['no InputType', {}, '/ItemReader/ReaderConfig: These fields are required: [InputType]'],
    [
      'an unknown InputType',
      { InputType: 'XML' },
      "/ItemReader/ReaderConfig/InputType: The field 'InputType' should have one of these values: [CSV, JSON, JSONL, PARQUET, MANIFEST]",
    ],
    [
      'PARQUET, which is refused by name',
      { InputType: 'PARQUET' },
      '/ItemReader/ReaderConfig/InputType: Not supported yet: the InputType PARQUET.',
    ],
    [
      'CSV without a place of its headers',
      { InputType: 'CSV' },
      '/ItemReader/ReaderConfig: These fields are required: [CSVHeaderLocation]',
    ],
    [
      'CSV whose given headers are not given',
      { InputType: 'CSV', CSVHeaderLocation: 'GIVEN' },
      '/ItemReader/ReaderConfig: These fields are required: [CSVHeaders]',
    ],
    [
      'two limits',
      { InputType: 'JSON', MaxItems: 1, MaxItemsPath: '$.m' },
      '/ItemReader/ReaderConfig: There should only be one of the following fields: [MaxItems, MaxItemsPath]',
    ],
    [
      'a limit below nothing',
      { InputType: 'JSON', MaxItems: -1 },
      '/ItemReader/ReaderConfig/MaxItems: Minimum value is 0',
    ],
    [
      'a limit above all',
      { InputType: 'JSON', MaxItems: 100_000_001 },
      '/ItemReader/ReaderConfig/MaxItems: Maximum value is 100000000',
    ],
    [
      'a limit in the context object',
      { InputType: 'JSON', MaxItemsPath: '$$.Execution.Input.n' },
      '/ItemReader/ReaderConfig/MaxItemsPath: Value is not a Reference Path',
    ],
    [
      'a pointer that is none',
      { InputType: 'JSON', ItemsPointer: 'a' },
      '/ItemReader/ReaderConfig/ItemsPointer: Expected a JSON Pointer, found the string "a".',
    ],
    [
      'a transformation of one object',
      { InputType: 'JSON', Transformation: 'LOAD_AND_FLATTEN' },
      '/ItemReader/ReaderConfig/Transformation: Expected LOAD_AND_FLATTEN only with the resource arn:aws:states:::s3:listObjectsV2.',
    ],
    [
      'an unknown field',
      { InputType: 'JSON', Type: 'x' },
      "/ItemReader/ReaderConfig: Field 'Type' is not supported",
    ],
  ])('has not %s', (_what, config, said) => {
    expect(saidOf(reader(config))).toEqual([said]);
  });

  test('lists objects without a config, and loads them with an InputType', () => {
    const list = { Resource: LIST, Parameters: { Bucket: 'b' } };
    expect(saidOf({ ItemReader: list })).toEqual([]);
    const load = { ...list, ReaderConfig: { Transformation: 'LOAD_AND_FLATTEN' } };
    expect(saidOf({ ItemReader: load })).toEqual([
      '/ItemReader/ReaderConfig: These fields are required: [InputType]',
    ]);
  });

  test('has a known resource, and what that needs', () => {
    expect(
      saidOf({ ItemReader: { Resource: PUT, Parameters: PLACE, ReaderConfig: { InputType: 'JSON' } } }),
    ).toEqual([expect.stringMatching(/^\/ItemReader\/Resource: Expected one of the resources/)]);
    const config = { ReaderConfig: { InputType: 'JSON' } };
    expect(saidOf({ ItemReader: { Resource: GET, ...config } })).toEqual([
      '/ItemReader: These fields are required: [Parameters]',
    ]);
    expect(saidOf({ ItemReader: { Resource: GET, Parameters: { 'Bucket.$': '$.b' }, ...config } })).toEqual([
      "/ItemReader/Parameters: The field 'Key' is required but was missing",
    ]);
    expect(saidOf({ ItemReader: [] })).toEqual([
      '/ItemReader: Expected an ItemReader, an object, found an array of 0.',
    ]);
  });

  test('does not stand beside ItemsPath', () => {
    expect(saidOf({ ...reader({ InputType: 'JSON' }), ItemsPath: '$.a' })).toEqual([
      '/ItemsPath: Not supported yet: ItemsPath beside an ItemReader.',
    ]);
  });
});

describe('an ItemBatcher', () => {
  test('limits the items or the bytes of a batch', () => {
    expect(saidOf({ ItemBatcher: { MaxItemsPerBatch: 2 } })).toEqual([]);
    expect(
      saidOf({ ItemBatcher: { MaxInputBytesPerBatchPath: '$.b', BatchInput: { 'a.$': '$.a' } } }),
    ).toEqual([]);
    expect(saidOf({ ItemBatcher: { BatchInput: {} } })).toEqual([
      expect.stringMatching(/^\/ItemBatcher: Expected at least one of \[MaxItemsPerBatch, /),
    ]);
  });

  test('has each limit once, and in its range', () => {
    expect(saidOf({ ItemBatcher: { MaxItemsPerBatch: 2, MaxItemsPerBatchPath: '$.n' } })).toEqual([
      '/ItemBatcher: There should only be one of the following fields: [MaxItemsPerBatch, MaxItemsPerBatchPath]',
    ]);
    expect(saidOf({ ItemBatcher: { MaxInputBytesPerBatch: 262_145 } })).toEqual([
      '/ItemBatcher/MaxInputBytesPerBatch: Maximum value is 262144',
    ]);
  });
});

describe('a ResultWriter', () => {
  test('writes, transforms, or does both', () => {
    const place = { Resource: PUT, Parameters: { Bucket: 'b', 'Prefix.$': '$.p' } };
    const config = { WriterConfig: { Transformation: 'FLATTEN', OutputType: 'JSONL' } };
    for (const writer of [place, config, { ...place, ...config }])
      expect(saidOf({ ResultWriter: writer })).toEqual([]);
  });

  test('says where to, and what', () => {
    expect(saidOf({ ResultWriter: {} })).toEqual([
      '/ResultWriter: These fields are required: [WriterConfig]',
    ]);
    expect(saidOf({ ResultWriter: { Resource: PUT } })).toEqual([
      '/ResultWriter: These fields are required: [Parameters]',
    ]);
    expect(saidOf({ ResultWriter: { Resource: PUT, Parameters: { Prefix: 'p' } } })).toEqual([
      "/ResultWriter/Parameters: The field 'Bucket' is required but was missing",
    ]);
    expect(saidOf({ ResultWriter: { WriterConfig: { OutputType: 'CSV' } } })).toEqual([
      "/ResultWriter/WriterConfig/OutputType: The field 'OutputType' should have one of these values: [JSON, JSONL]",
    ]);
  });
});

describe('in JSONata', () => {
  const jsonata = (fields: JsonObject): string[] => saidOf({ QueryLanguage: 'JSONata', ...fields });

  test('every value may be an expression, and Arguments take the place of Parameters', () => {
    expect(
      jsonata({
        ItemReader: {
          Resource: GET,
          Arguments: { Bucket: '{% $states.input.b %}', Key: 'k' },
          ReaderConfig: { InputType: '{% $t %}', MaxItems: '{% $n %}' },
        },
        ItemBatcher: { MaxItemsPerBatch: '{% 2 %}', BatchInput: '{% $states.input %}' },
        ResultWriter: { Resource: PUT, Arguments: '{% $place %}' },
      }),
    ).toEqual([]);
  });

  test('the fields of JSONPath are refused as such', () => {
    expect(jsonata({ ItemBatcher: { MaxItemsPerBatchPath: '$.n' } })).toContain(
      "/ItemBatcher: The QueryLanguage is set to 'JSONata', but field 'MaxItemsPerBatchPath' is only supported for the 'JSONPath' QueryLanguage",
    );
    expect(jsonata({ ResultWriter: { Resource: PUT, Parameters: { Bucket: 'b' } } })).toContain(
      "/ResultWriter: The QueryLanguage is set to 'JSONata', but field 'Parameters' is only supported for the 'JSONPath' QueryLanguage",
    );
  });

  test('Items may be an object', () => {
    expect(jsonata({ Items: { a: 1 } })).toEqual([]);
    expect(jsonata({ Items: { a: 1 }, ItemProcessor: PASS })).toHaveLength(1);
    expect(jsonata({ Items: 'a' })).toHaveLength(1);
  });
});
