import { isObject, type Json, type JsonObject, setField } from '../../std/json.js';
import type { Maybe } from '../../std/maybe.js';
import { QueryError } from '../query-error.js';
import type { Scope } from '../scope.js';
import {
  type Bindings,
  bindingsOf,
  type CompiledJsonata,
  compileJsonata,
  EvaluationError,
  evaluateJsonata,
} from './expression.js';
import { type Budget, NotJson, newBudget, TooLarge, toPlain } from './plain.js';
import { inTurn } from './queue.js';
import { expressionIn, isExpression } from './syntax.js';

/**
 * A value of a JSONata state, compiled: every text `{% … %}` in it is an expression, at any depth
 * (https://states-language.net/spec.html#jsonata). Parts without one are constants, shared by all
 * evaluations.
 */
export type JsonataTemplate =
  | { kind: 'constant'; value: Json }
  | { kind: 'object'; fields: readonly (readonly [name: string, part: JsonataTemplate])[] }
  | { kind: 'list'; items: readonly JsonataTemplate[] }
  /** `location`: where it stands in the state, `Output/a[0]`. */
  | { kind: 'expression'; location: string; compiled: CompiledJsonata };

/** What `$states` shows besides the state's input and the context object. */
export interface Happened {
  result?: Json;
  errorOutput?: Json;
}

/** Compiles a validated value. Throws JsonataSyntaxError. */
export function compileJsonataTemplate(value: Json, location: string): JsonataTemplate {
  if (isExpression(value))
    return { kind: 'expression', location, compiled: compileJsonata(expressionIn(value)) };
  if (Array.isArray(value)) {
    const items = value.map((item, index) => compileJsonataTemplate(item, `${location}[${String(index)}]`));
    return items.every(isConstant) ? { kind: 'constant', value } : { kind: 'list', items };
  }
  if (!isObject(value)) return { kind: 'constant', value };
  const fields = Object.entries(value).map(
    ([name, field]) => [name, compileJsonataTemplate(field, `${location}/${name}`)] as const,
  );
  return fields.every(([, part]) => isConstant(part))
    ? { kind: 'constant', value }
    : { kind: 'object', fields };
}

/** The value with its expressions evaluated. Throws QueryError, or rejects with it. */
export function fillJsonata(template: JsonataTemplate, scope: Scope, happened: Happened): Maybe<Json> {
  if (template.kind === 'constant') return template.value;
  const states = { input: scope.input, context: scope.context, ...happened };
  const filling = {
    bindings: bindingsOf(scope.variables, states, scope),
    scope,
    budget: newBudget(),
    evaluated: 0,
  };
  return inTurn(() => fill(template, filling));
}

/** What all expressions of a template share. */
interface Filling {
  bindings: Bindings;
  scope: Scope;
  budget: Budget;
  /** How many expressions have been evaluated. */
  evaluated: number;
}

async function fill(template: JsonataTemplate, filling: Filling): Promise<Json> {
  switch (template.kind) {
    case 'constant':
      return template.value;
    case 'expression':
      return evaluate(template, filling);
    case 'list': {
      const items: Json[] = [];
      for (const item of template.items) {
        items.push(item.kind === 'constant' ? item.value : await fill(item, filling));
      }
      return items;
    }
    case 'object': {
      const filled: JsonObject = {};
      for (const [name, part] of template.fields) {
        setField(filled, name, part.kind === 'constant' ? part.value : await fill(part, filling));
      }
      return filled;
    }
  }
}

async function evaluate(
  { compiled, location }: JsonataTemplate & { kind: 'expression' },
  filling: Filling,
): Promise<Json> {
  const { bindings, scope, budget } = filling;
  const about = `The JSONata expression '${compiled.text}' specified for the field '${location}'`;
  try {
    const value = await evaluateJsonata(compiled, bindings, pauseOf(scope));
    if (value === undefined) throw new QueryError(`${about} returned nothing (undefined).`, location);
    return toPlain(value, budget);
  } catch (error) {
    throw explained(error, about, location);
  } finally {
    filling.evaluated += 1;
    if (compiled.watched || filling.evaluated % PAUSE_EVERY === 0) await scope.entropy.pause?.();
  }
}

function pauseOf({ entropy }: Scope): (() => Promise<void>) | undefined {
  return entropy.pause === undefined ? undefined : () => entropy.pause?.() ?? Promise.resolve();
}

/** Also those that make little may look at much. */
const PAUSE_EVERY = 8;

function explained(error: unknown, about: string, location: string): unknown {
  if (error instanceof NotJson) {
    return new QueryError(`${about} returned an unsupported result type.`, location);
  }
  if (error instanceof TooLarge) {
    return new QueryError(`${about} returned a value that is larger than any state may hand on.`, location);
  }
  if (!(error instanceof EvaluationError)) return error;
  const why = error.code === undefined ? `: ${error.message}` : `. ${error.code}: ${error.message}`;
  return new QueryError(`${about} threw an error during evaluation${why}`, location);
}

function isConstant(part: JsonataTemplate): boolean {
  return part.kind === 'constant';
}
