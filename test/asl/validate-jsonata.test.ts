import { describe, expect, test } from '@jest/globals';
import { type Diagnostic, validateDefinition } from '../../src/asl/index.js';
import type { Json, JsonObject } from '../../src/std/json.js';

function complaints(definition: JsonObject): string[] {
  return validateDefinition(definition).map(told);
}

function told({ code, message, pointer }: Diagnostic): string {
  return `${code}: ${message} at ${pointer || '/'}`;
}

/** Complaints about the first state of a machine; Done is there to go to. */
function about(state: JsonObject, more: JsonObject = {}): string[] {
  return complaints({ StartAt: 'S', States: { S: state, Done: { Type: 'Succeed' } }, ...more }).filter(
    (text) => !text.includes('"Done" is not reachable'),
  );
}

function pass(more: JsonObject): JsonObject {
  return { Type: 'Pass', QueryLanguage: 'JSONata', End: true, ...more };
}

describe('the query language', () => {
  test('of a state may be JSONata in a JSONPath machine, not the other way', () => {
    expect(about(pass({ Output: '{% 1 %}' }))).toEqual([]);
    expect(
      about({ Type: 'Pass', QueryLanguage: 'JSONPath', End: true }, { QueryLanguage: 'JSONata' }),
    ).toEqual([
      "SCHEMA_VALIDATION_FAILED: 'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine at /States/S",
    ]);
  });

  test('of a Map is not that of the states inside it', () => {
    const inner: JsonObject = { Type: 'Pass', Output: 1, End: true };
    const processor = { StartAt: 'P', States: { P: inner } };
    expect(about({ Type: 'Map', QueryLanguage: 'JSONata', ItemProcessor: processor, End: true })).toEqual([
      "SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for the 'JSONata' QueryLanguage at /States/S/ItemProcessor/States/P",
    ]);
  });

  test('cannot be named by an ItemProcessor', () => {
    const processor = { QueryLanguage: 'JSONata', StartAt: 'P', States: { P: { Type: 'Pass', End: true } } };
    expect(about({ Type: 'Map', ItemProcessor: processor, End: true })).toEqual([
      "SCHEMA_VALIDATION_FAILED: Field 'QueryLanguage' is not supported at /States/S/ItemProcessor",
    ]);
  });

  test.each<[string, JsonObject]>([
    ['InputPath', pass({ InputPath: '$' })],
    ['Result', pass({ Result: 1 })],
    ['SecondsPath', { Type: 'Wait', QueryLanguage: 'JSONata', Seconds: 1, SecondsPath: '$.s', End: true }],
    ['ItemsPath', { ...map(), QueryLanguage: 'JSONata', ItemsPath: '$.a' }],
    ['ErrorPath', { Type: 'Fail', QueryLanguage: 'JSONata', ErrorPath: '$.a' }],
  ])('refuses %s in a JSONata state', (field, state) => {
    expect(about(state)).toEqual([
      `SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONata', but field '${field}' is only supported for the 'JSONPath' QueryLanguage at /States/S`,
    ]);
  });

  test.each<[string, JsonObject]>([
    ['Output', { Type: 'Pass', Output: 1, End: true }],
    ['Arguments', { Type: 'Task', Resource: 'f', Arguments: {}, End: true }],
    ['Items', { ...map(), Items: [] }],
  ])('refuses %s in a JSONPath state', (field, state) => {
    expect(about(state)).toEqual([
      `SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONPath', but field '${field}' is only supported for the 'JSONata' QueryLanguage at /States/S`,
    ]);
  });

  test('of choice rules and Catchers is the state’s', () => {
    const rules: Json = [{ Variable: '$.a', IsNull: true, Condition: '{% true %}', Next: 'Done' }];
    expect(about({ Type: 'Choice', QueryLanguage: 'JSONata', Choices: rules })).toEqual([
      "SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONata', but field 'Variable' is only supported for the 'JSONPath' QueryLanguage at /States/S/Choices/0",
      "SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONata', but field 'IsNull' is only supported for the 'JSONPath' QueryLanguage at /States/S/Choices/0",
    ]);
    const caught: Json = [{ ErrorEquals: ['States.ALL'], Output: 1, Next: 'Done' }];
    expect(about({ Type: 'Task', Resource: 'f', Catch: caught, End: true })).toEqual([
      "SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for the 'JSONata' QueryLanguage at /States/S/Catch/0",
    ]);
  });
});

describe('an expression', () => {
  test.each([
    ['1 +', 'INVALID_JSONATA_EXPRESSION: Unexpected end of expression'],
    ['"open', 'INVALID_JSONATA_EXPRESSION: String literal must be terminated by a matching quote'],
    ['$match("a", /[/)', 'INVALID_JSONATA_EXPRESSION: '],
    ['phone', "UNSUPPORTED_JSONATA_EXPRESSION: Reference to 'phone' at the top level is not supported."],
    ['$sum(a.b)', "UNSUPPORTED_JSONATA_EXPRESSION: Reference to 'a' at the top level is not supported."],
    ['$$.a', 'UNSUPPORTED_JSONATA_EXPRESSION: '],
    ['$states.errorOutput.Error', 'UNSUPPORTED_JSONATA_EXPRESSION: '],
  ])('%s is refused where it stands', (text, complaint) => {
    const [first, ...rest] = about(pass({ Output: { v: [`{% ${text} %}`] } }));
    expect(rest).toEqual([]);
    expect(first?.startsWith(complaint)).toBe(true);
    expect(first?.endsWith(' at /States/S/Output/v/0')).toBe(true);
  });

  test.each([
    '$states.input.a[b > 1].c',
    '$x{k: v}',
    '$states.input.a^(>price).name',
    '$map($states.input, function($v){ $v.a })',
    '$x ~> |a|{"b": c}|',
    '$notAssignedAnywhere',
    '$',
  ])('%s is taken', (text) => {
    expect(about(pass({ Output: `{% ${text} %}` }))).toEqual([]);
  });

  test('may read the error output in a Catcher', () => {
    const caught: Json = [{ ErrorEquals: ['States.ALL'], Output: '{% $states.errorOutput %}', Next: 'Done' }];
    expect(
      about({ Type: 'Task', QueryLanguage: 'JSONata', Resource: 'f', Catch: caught, End: true }),
    ).toEqual([]);
  });

  test.each(['{% 1', '1 %}'])('%j is not closed, or not opened', (text) => {
    expect(about(pass({ Output: text }))[0]).toMatch(/^INVALID_JSONATA_EXPRESSION/);
  });

  test('in a field for numbers must be one, or a number', () => {
    const wait: JsonObject = { Type: 'Wait', QueryLanguage: 'JSONata', End: true };
    expect(about({ ...wait, Seconds: '{% $n %}' })).toEqual([]);
    expect(about({ ...wait, Seconds: '5' })).toHaveLength(1);
    expect(about({ ...wait, Timestamp: 'soon' })).toHaveLength(1);
  });
});

describe('variables', () => {
  test.each(['states', '1a', 'a-b', '', 'a'.repeat(81)])('cannot be called %j', (name) => {
    expect(about({ Type: 'Pass', Assign: { [name]: 1 }, End: true })).toHaveLength(1);
    expect(about(pass({ Assign: { [name]: 1 } }))).toHaveLength(1);
  });

  test.each(['a', '_a1', 'größe', '名', '__proto__'])('may be called %j', (name) => {
    const assigned = JSON.parse(`{${JSON.stringify(name)}: 1}`) as JsonObject;
    expect(about(pass({ Assign: assigned }))).toEqual([]);
  });

  test('of an outer scope can be read inside, not set', () => {
    const inner = (assigned: JsonObject): JsonObject => ({
      Type: 'Parallel',
      Branches: [{ StartAt: 'B', States: { B: { Type: 'Pass', Assign: assigned, End: true } } }],
      End: true,
    });
    const machine = (assigned: JsonObject): JsonObject => ({
      StartAt: 'S',
      States: { S: { Type: 'Pass', Assign: { x: 1 }, Next: 'P' }, P: inner(assigned) },
    });
    expect(complaints(machine({ 'y.$': '$x' }))).toEqual([]);
    const [first, ...rest] = complaints(machine({ 'x.$': '$.a' }));
    expect(rest).toEqual([]);
    expect(first).toMatch(/'x' .* at \/States\/P\/Branches\/0\/States\/B\/Assign\/x.\$$/);
  });

  test('of two branches may be called the same', () => {
    const branch = (name: string): JsonObject => ({
      StartAt: name,
      States: { [name]: { Type: 'Pass', Assign: { x: 1 }, End: true } },
    });
    expect(about({ Type: 'Parallel', Branches: [branch('A'), branch('B')], End: true })).toEqual([]);
  });

  test('are no place for a result', () => {
    expect(about({ Type: 'Pass', ResultPath: '$x', End: true })).toHaveLength(1);
  });
});

function map(): JsonObject {
  return {
    Type: 'Map',
    ItemProcessor: { StartAt: 'P', States: { P: { Type: 'Pass', End: true } } },
    End: true,
  };
}
