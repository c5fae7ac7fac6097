import type { JsonataExpression, Leaving, QueryLanguage, Template } from './definition.js';
import type { Fields } from './fields.js';
import { isExpression } from './jsonata/syntax.js';
import { compileJsonataTemplate, type JsonataTemplate } from './jsonata/template.js';
import { type CompiledTemplate, compileTemplate } from './template.js';

/** Output and Assign of a state, a choice rule or a Catcher. `at`: where it stands in the state, `Catch[0]/`. */
export function compileLeaving(fields: Fields, language: QueryLanguage, at = ''): Leaving {
  return {
    output: language === 'JSONata' ? jsonataTemplate(fields, 'Output', at) : undefined,
    assign: templateIn(language, fields, 'Assign', at),
  };
}

/** A template in the state's language; undefined when there is none. */
export function templateIn(
  language: QueryLanguage,
  fields: Fields,
  name: string,
  at = '',
): Template | undefined {
  if (language === 'JSONata') {
    const template = jsonataTemplate(fields, name, at);
    return template === undefined ? undefined : { language, template };
  }
  const template = payloadTemplate(fields, name);
  return template === undefined ? undefined : { language, template };
}

export function payloadTemplate(fields: Fields, name: string): CompiledTemplate | undefined {
  const value = fields.any(name);
  return value === undefined ? undefined : compileTemplate(value);
}

export function jsonataTemplate(fields: Fields, name: string, at = ''): JsonataTemplate | undefined {
  const value = fields.any(name);
  return value === undefined ? undefined : compileJsonataTemplate(value, `${at}${name}`);
}

/** The one expression that a field must be. */
export function compileJsonataField(fields: Fields, name: string, location = name): JsonataExpression {
  const template = compileJsonataTemplate(fields.needText(name), location);
  if (template.kind !== 'expression') throw new TypeError(`${name} must be an expression`);
  return template;
}

/** Whether a field is an expression of a JSONata state, not a plain value. */
export function hasExpression(fields: Fields, language: QueryLanguage, name: string): boolean {
  return language === 'JSONata' && isExpression(fields.any(name));
}
