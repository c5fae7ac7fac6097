import type { Json, JsonObject } from '../std/json.js';
import { isObject, setField } from '../std/json.js';
import { type CompiledExpression, evaluateExpression, parseExpression } from './expression.js';
import type { Scope } from './scope.js';

/**
 * A payload template, compiled (https://states-language.net/spec.html#payload-template): Parameters,
 * ResultSelector, ItemSelector. Parts without a `.$` field are constants, shared by every evaluation.
 */
export type CompiledTemplate =
  | { kind: 'constant'; value: Json }
  | { kind: 'object'; fields: readonly (readonly [name: string, part: CompiledTemplate])[] }
  | { kind: 'list'; items: readonly CompiledTemplate[] }
  /** `field` is the name with its `.$`, for messages. */
  | { kind: 'expression'; field: string; expression: CompiledExpression };

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
    : { kind: 'object', fields };
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
  switch (template.kind) {
    case 'constant':
      return template.value;
    case 'expression':
      return evaluateExpression(template.expression, scope, input, {
        field: template.field,
        inResultSelector,
      });
    case 'list':
      return template.items.map((item) => fillTemplate(item, scope, input, inResultSelector));
    case 'object': {
      const filled: JsonObject = {};
      for (const [name, part] of template.fields) {
        setField(filled, name, fillTemplate(part, scope, input, inResultSelector));
      }
      return filled;
    }
  }
}

function compileField(key: string, value: Json): [string, CompiledTemplate] {
  if (!key.endsWith('.$')) return [key, compileTemplate(value)];
  if (typeof value !== 'string') throw new TypeError(`the field ${key} of a template must be a string`);
  return [key.slice(0, -2), { kind: 'expression', field: key, expression: parseExpression(value) }];
}

function isConstant(part: CompiledTemplate): boolean {
  return part.kind === 'constant';
}
