import type { Json, JsonObject } from '../std/json.js';
import { isObject } from '../std/json.js';
import { type CompiledExpression, evaluateExpression, type Place, parseExpression } from './expression.js';
import { bounded } from './payload-size.js';
import type { Scope } from './scope.js';

/**
 * A payload template, compiled (https://states-language.net/spec.html#payload-template): Parameters,
 * ResultSelector, ItemSelector. Parts without a `.$` field are constants, shared by every evaluation.
 */
export type CompiledTemplate =
  | { kind: 'constant'; value: Json }
  /** `blank` has all fields already: to copy it and overwrite them is quicker than to add one after another. */
  | {
      kind: 'object';
      blank: JsonObject;
      fields: readonly (readonly [name: string, part: CompiledTemplate])[];
    }
  | { kind: 'list'; items: readonly CompiledTemplate[] }
  | { kind: 'expression'; place: Place; expression: CompiledExpression };

/** Compiles a template that has been validated. Throws PathSyntaxError for a `.$` field that is no expression. */
export function compileTemplate(template: Json): CompiledTemplate {
  if (Array.isArray(template)) {
    const items = template.map(compileTemplate);
    return items.every(isConstant) ? { kind: 'constant', value: template } : { kind: 'list', items };
  }
  if (!isObject(template)) return { kind: 'constant', value: template };
  const fields = Object.entries(template).map(([key, value]) => compileField(key, value));
  return fields.every(([, part]) => isConstant(part))
    ? { kind: 'constant', value: template }
    : { kind: 'object', blank: blankOf(fields), fields };
}

/** Parsed, since V8 keeps an object to which many fields were added as a hash table, which copies slowly. */
function blankOf(fields: readonly (readonly [name: string, part: CompiledTemplate])[]): JsonObject {
  const names = fields.map(([name]) => `${JSON.stringify(name)}:null`);
  const blank = JSON.parse(`{${names.join(',')}}`) as JsonObject;
  for (const [name, part] of fields) if (part.kind === 'constant') blank[name] = part.value;
  return blank;
}

/**
 * The template with its expressions replaced by their values. `input` is what `$` means.
 * Throws StatesError.
 */
export function fillTemplate(
  template: CompiledTemplate,
  scope: Scope,
  input: Json,
  inResultSelector = false,
): Json {
  return bounded(fill(template, scope, input, inResultSelector));
}

function fill(template: CompiledTemplate, scope: Scope, input: Json, inResultSelector: boolean): Json {
  switch (template.kind) {
    case 'constant':
      return template.value;
    case 'expression':
      return evaluateExpression(template.expression, scope, input, template.place, inResultSelector);
    case 'list':
      return template.items.map((item) => fill(item, scope, input, inResultSelector));
    case 'object': {
      // An own field of the copy is overwritten also when it is called `__proto__`.
      const filled = { ...template.blank };
      for (const [name, part] of template.fields) {
        if (part.kind !== 'constant') filled[name] = fill(part, scope, input, inResultSelector);
      }
      return filled;
    }
  }
}

function compileField(key: string, value: Json): [string, CompiledTemplate] {
  if (!key.endsWith('.$')) return [key, compileTemplate(value)];
  if (typeof value !== 'string') throw new TypeError(`the field ${key} of a template must be a string`);
  return [
    key.slice(0, -2),
    { kind: 'expression', place: { field: key }, expression: parseExpression(value) },
  ];
}

function isConstant(part: CompiledTemplate): boolean {
  return part.kind === 'constant';
}
