import jsonata from 'jsonata';
import type { Json, JsonObject } from '../../std/json.js';
import { addFunctions, CALL, type Call } from './functions.js';
import { toPlain } from './plain.js';
import { SteppedRegExp } from './regular-expression.js';
import { isDeeper, isNode, type Node, someNode } from './syntax.js';
import { createWatch, OutOfMemory } from './watch.js';

/** An expression, parsed once for all of its evaluations. */
export interface CompiledJsonata {
  /** As it stands between the brackets. */
  readonly text: string;
  readonly expression: jsonata.Expression;
  /** It can make values that grow without end, so every one is looked at. */
  readonly watched: boolean;
  /** It may write marks onto the data that it is given, so it gets a copy. */
  readonly marks: boolean;
}

/** What is wrong with an expression's text, without the library's code, as AWS shows it. */
export class JsonataSyntaxError extends Error {
  override readonly name = 'JsonataSyntaxError';
  /** Behind how many characters of the text, where the library knows. */
  readonly position: number | undefined;

  constructor(message: string, position?: number) {
    super(message);
    this.position = position;
  }
}

/** What goes wrong in an evaluation: the library's code, when it is the library's own error, and what it says. */
export class EvaluationError extends Error {
  override readonly name = 'EvaluationError';
  readonly code: string | undefined;

  constructor(code: string | undefined, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * The limits of one evaluation. They bound what the library counts itself: time is looked at between two
 * steps of an evaluation, so one step of a built-in function is not cut short.
 * - a second, its pauses included;
 * - 500 expressions within each other, far less than what the engine's own stack takes;
 * - as many items in a sequence as AWS takes.
 */
const LIMITS = { timeout: 1000, stack: 500, sequence: 873_782 } as const;

/** Parses an expression. Throws JsonataSyntaxError. */
export function compileJsonata(text: string): CompiledJsonata {
  const expression = parse(text);
  const tree = expression.ast();
  addFunctions(expression, text);
  return { text, expression, watched: someNode(tree, canGrow), marks: someNode(tree, leavesMarks) };
}

/** The syntax tree of an expression, to be looked at. Throws JsonataSyntaxError. */
export function parseJsonata(text: string): unknown {
  return parse(text).ast();
}

/** The library parses by recursion, so a text that nests too deep runs out of stack: an error like any other. */
function parse(text: string): jsonata.Expression {
  let parsed: jsonata.Expression;
  try {
    parsed = jsonata(text, { ...LIMITS, RegexEngine: SteppedRegExp as unknown as RegExpConstructor });
  } catch (error) {
    if (error instanceof RangeError) throw new JsonataSyntaxError('The expression nests too deep');
    throw new JsonataSyntaxError(messageOf(error), positionOf(error));
  }
  const tree = parsed.ast();
  if (isDeeper(tree, MAX_DEPTH)) throw new JsonataSyntaxError('The expression nests too deep');
  if (someNode(tree, isLongList)) {
    throw new JsonataSyntaxError(`A list in the expression has more than ${String(MAX_ITEMS)} items`);
  }
  return parsed;
}

/** The library copies a list for every item that is written out in it, in one step that no limit cuts short. */
const MAX_ITEMS = 1000;

function isLongList(node: Node): boolean {
  return Array.isArray(node['expressions']) && node['expressions'].length > MAX_ITEMS;
}

/** Deeper than any evaluation may go, and far from what the parser's stack takes: the same wherever it is parsed. */
const MAX_DEPTH = 1000;

/** What an expression sees, by name; without a prototype, so that no name is special. */
export type Bindings = Readonly<Record<string, unknown>>;

/** `variables` and `$states`, with what the functions may ask for. */
export function bindingsOf(variables: JsonObject, states: JsonObject, call: Call): Bindings {
  return Object.assign(Object.create(null), variables, { states, [CALL]: call });
}

/**
 * The value of an expression, undefined when it gives nothing; not yet plain JSON. Resolves within the limits,
 * or throws EvaluationError; one evaluation at a time (`inTurn`).
 * @param pause awaited now and then in one that may take long: others have a turn.
 * @param document what `$` and bare names look into; a state's expressions have none.
 */
export async function evaluateJsonata(
  compiled: CompiledJsonata,
  bindings: Bindings,
  pause?: () => Promise<void>,
  document?: Json,
): Promise<unknown> {
  // Callbacks are found like variables, but only `assign` takes a symbol: one for each evaluation, in turn.
  if (compiled.watched) assignCallback(compiled.expression, EXIT, createWatch(pause));
  try {
    if (!compiled.marks) return await compiled.expression.evaluate(document, bindings);
    const copy = document === undefined ? undefined : toPlain(document);
    return await compiled.expression.evaluate(copy, copied(bindings));
  } catch (error) {
    throw errorOf(error);
  }
}

/** The library calls what it finds under this name with every value that an expression gives. */
const EXIT = Symbol.for('jsonata.__evaluate_exit');

function assignCallback(expression: jsonata.Expression, name: symbol, callback: unknown): void {
  const { assign } = expression as unknown as { assign(name: symbol, value: unknown): void };
  assign(name, callback);
}

function copied(bindings: Bindings): Bindings {
  const copies: Record<string, unknown> = Object.create(null);
  for (const name of Object.keys(bindings)) {
    copies[name] = name === CALL ? bindings[name] : toPlain(bindings[name]);
  }
  return copies;
}

const GROWING: ReadonlySet<unknown> = new Set(['lambda', 'bind', 'apply', 'regex']);

/** Functions, ranges and regular expressions repeat, names let parts be used again: only with them can few words make much. */
function canGrow(node: Node): boolean {
  if (node.type === 'binary') return node['value'] === '..';
  return GROWING.has(node.type);
}

/** Grouping adds to an empty list that it is given; `[]`, `@`, `#` and transforms set marks on lists. */
function leavesMarks(node: Node): boolean {
  return (
    node['group'] !== undefined ||
    node['keepArray'] === true ||
    node['keepSingletonArray'] === true ||
    node['tuple'] === true ||
    node.type === 'transform'
  );
}

function errorOf(error: unknown): EvaluationError {
  if (error instanceof OutOfMemory) return new EvaluationError(undefined, error.message);
  if (error instanceof RangeError) {
    const stack = error.message.includes('call stack');
    return new EvaluationError(
      undefined,
      stack ? 'The evaluation exceeded the stack limit.' : 'The evaluation exceeded the memory limit.',
    );
  }
  const code = isNode(error) && typeof error['code'] === 'string' ? error['code'] : undefined;
  return new EvaluationError(code, messageOf(error));
}

function positionOf(error: unknown): number | undefined {
  const position = isNode(error) ? error['position'] : undefined;
  return typeof position === 'number' ? position : undefined;
}

/** The library throws objects of its own, which are no Errors. */
function messageOf(error: unknown): string {
  const message = typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
  return String(message);
}
