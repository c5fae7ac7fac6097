import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { type Diagnostic, parseDefinition, validateDefinition } from '../../src/asl/index.js';
import { isObject, type Json, type JsonObject } from '../../src/std/json.js';
import { runPure } from './pure-machine.js';

/**
 * What the language can be asked without an engine, of the cases that were recorded from AWS. They lie
 * beside the project, not in it; where they are absent this is skipped and says so.
 */
const corpus = new URL('../../../shared/conformance/', import.meta.url);
const present = existsSync(corpus);
const recorded = present ? describe : describe.skip;
const note = present ? '' : ' (skipped: there is no ../shared/conformance beside the project)';

interface Case {
  id: string;
  kind: string;
  definition: JsonObject | null;
  definitionText?: string;
  machineType?: 'STANDARD' | 'EXPRESS';
  input?: Json;
  expected: JsonObject;
}

function read<T>(file: string): T[] {
  return present ? (JSON.parse(readFileSync(new URL(file, corpus), 'utf8')) as T[]) : [];
}

function diagnose(source: string | Json, type: 'STANDARD' | 'EXPRESS' = 'STANDARD'): Diagnostic[] {
  const parsed = parseDefinition(source);
  const diagnostics = parsed.ok ? validateDefinition(parsed.definition, { type }) : parsed.diagnostics;
  return diagnostics.filter(({ severity }) => severity === 'ERROR');
}

function isUnsupported({ code }: Diagnostic): boolean {
  return code === 'NOT_SUPPORTED_YET';
}

recorded(`executions of pure states answer what AWS answered${note}`, () => {
  test.each(['choice_operators', 'intrinsic_functions'])('%s', async (category) => {
    let compared = 0;
    for (const { id, definition, input, expected } of read<Case>(`aws/${category}.json`)) {
      if (definition === null || diagnose(definition).some(isUnsupported)) continue;
      expect({ id, diagnostics: diagnose(definition) }).toEqual({ id, diagnostics: [] });
      // A machine's own name is masked in the recording, so what is made of it cannot be compared.
      if (JSON.stringify(definition).includes('$$.StateMachine.Name')) continue;
      expect({ id, ...(await runPure(definition, input ?? {})) }).toEqual({ id, output: expected['output'] });
      compared++;
    }
    expect(compared).toBeGreaterThan(70);
  });
});

recorded(`every JSONPath definition that AWS ran is valid here, or refused by name${note}`, () => {
  test.each([
    'base',
    'choice_operators',
    'comments',
    'context_object',
    'error_handling',
    'express',
    'intrinsic_functions',
    'scenarios',
    'services',
    'timeouts',
  ])('%s', (category) => {
    for (const { id, kind, definition, machineType } of read<Case>(`aws/${category}.json`)) {
      if (!/^(execution|express)/.test(kind) || definition === null) continue;
      const wrong = diagnose(definition, machineType).filter((diagnostic) => !isUnsupported(diagnostic));
      expect({ id, wrong }).toEqual({ id, wrong: [] });
    }
  });
});

recorded(`what AWS refused is refused in its words${note}`, () => {
  const refusals = ['api', 'scenarios', 'services', 'credentials']
    .flatMap((category) => read<Case>(`aws/${category}.json`))
    .filter(({ kind, expected }) => kind === 'create-error' && codeOf(expected) === 'InvalidDefinition');

  test.each(refusals.map((one) => [one.id, one] as const))('%s', (_id, one) => {
    const diagnostics = diagnose(one.definition ?? one.definitionText ?? '', one.machineType);
    const texts = diagnostics.map(({ code, message, pointer }) => `${code}: ${message} at ${pointer || '/'}`);
    const wanted = /^Invalid State Machine Definition: '(.*)'$/s.exec(String(messageOf(one.expected)))?.[1];
    // JSONata is refused as a whole, before what is inside it can be read.
    if (diagnostics.length > 0 && diagnostics.every(isUnsupported)) return;
    expect(texts).toContain(wanted);
  });
});

/** Definitions that asl-validator accepts and we do not, each for a reason that we stand by. */
const STRICTER: Record<string, string> = {
  'valid-assign.asl': "AWS's documentation wants an identifier for a variable's name, without a hyphen",
  'valid-cfn-definition-substitutions': 'a placeholder that nobody has filled in is no resource',
  'valid-current-value-predicate': 'a bare word in a filter is neither a path nor a literal',
  'valid-map-noconfig.asl':
    "without a Mode a Map is inline, and AWS's documentation has ItemReader, ResultWriter and Label in the distributed one alone",
  'valid-map-with-item-batcher-jsonata': 'AWS refuses JSONPath in a machine that is JSONata as a whole',
  'valid-task-credentials': 'there is no service swf:task',
  'valid-task-intrisic-function': 'a Resource that CloudFormation has not resolved is no string',
  'valid-task-parameters': 'there is no service swf:task',
  'valid-task-timeout-jsonata': 'there is no service swf:task',
};

/** Definitions that asl-validator refuses and we do not. */
const LAXER: Record<string, string> = {
  'invalid-json-surround-syntax-extra-spaces': 'white space around an expression means nothing',
  'invalid-jsonata-surround-syntax-no-spaces':
    'the specification asks for {% and %}, not for blanks beside them',
};

recorded(`asl-validator's examples${note}`, () => {
  test('are judged alike, except where we say why not', () => {
    const stricter: string[] = [];
    const laxer: string[] = [];
    for (const { id, valid, ...one } of read<Case & { valid: boolean }>('validity/asl-validator.json')) {
      const diagnostics = diagnose(one.definitionText ?? one.definition);
      const name = id.slice(id.indexOf('/') + 1);
      if (!valid && diagnostics.length === 0) laxer.push(name);
      if (valid && !diagnostics.every(isUnsupported)) stricter.push(name);
    }
    expect(laxer.sort()).toEqual(Object.keys(LAXER).sort());
    expect(stricter.sort()).toEqual(Object.keys(STRICTER).sort());
  });
});

function codeOf(expected: JsonObject): Json | undefined {
  return isObject(expected['apiError']) ? expected['apiError']['code'] : undefined;
}

function messageOf(expected: JsonObject): Json | undefined {
  return isObject(expected['apiError']) ? expected['apiError']['message'] : undefined;
}
