import type { Json } from '../std/json.js';
import { runtimeError, StatesError } from './errors.js';
import { countPlaces, INTRINSICS, type Intrinsic, IntrinsicFault, isOfKind } from './intrinsics/index.js';
import { type CompiledPath, PathSyntaxError, parsePath, Reader, readPath } from './jsonpath/index.js';
import { boundBytes } from './payload-size.js';
import { lookedIn, lookUp, pathInMessages, resolvePath } from './resolve.js';
import type { Scope } from './scope.js';
import { spend } from './work.js';

/** What may stand behind a `.$` field, ErrorPath or CausePath: a path or a call of an intrinsic function. */
export type CompiledExpression = { kind: 'path'; path: CompiledPath } | IntrinsicCall;

interface IntrinsicCall {
  kind: 'call';
  /** As it was written. */
  text: string;
  name: string;
  intrinsic: Intrinsic;
  args: readonly Argument[];
}

type Argument = { kind: 'literal'; value: Json } | CompiledExpression;

/** AWS's own limit for calls within calls. */
const MAX_NESTING = 10;

/** Parses a whole text as a path or a function call. Throws PathSyntaxError. */
export function parseExpression(text: string): CompiledExpression {
  if (!text.startsWith('States.')) return { kind: 'path', path: parsePath(text) };
  const reader = new Reader(text);
  const call = readCall(reader, 1);
  if (!reader.done) reader.fail('expected the end of the function call');
  return call;
}

/** Where an expression stands, for messages. */
export interface Place {
  /** The field that holds it, with its `.$`. */
  field: string;
}

/**
 * The value of an expression. `input` is what `$` means. AWS says in two ways that a path finds nothing: inside
 * a ResultSelector as it does of InputPath and OutputPath.
 * Throws StatesError: States.Runtime for a path that finds nothing, States.IntrinsicFailure for a call
 * with arguments that the function refuses.
 */
export function evaluateExpression(
  expression: CompiledExpression,
  scope: Scope,
  input: Json,
  place: Place,
  inResultSelector = false,
): Json {
  if (expression.kind === 'call') return callIntrinsic(expression, scope, input);
  const { path } = expression;
  if (inResultSelector) return resolvePath(path, scope, input);
  const value = lookUp(path, scope, input);
  if (value !== undefined) return value;
  const found = JSON.stringify(lookedIn(path, scope, input));
  throw runtimeError(
    `The JSONPath '${pathInMessages(path)}' specified for the field '${place.field}' could not be found in the input '${found}'`,
  );
}

function callIntrinsic(call: IntrinsicCall, scope: Scope, input: Json): Json {
  const args = call.args.map((argument) => evaluateArgument(argument, scope, input));
  const wrong = findWrongKind(call.intrinsic, args);
  if (wrong !== undefined) throw intrinsicFailure(call, wrong);
  const size = sizeOf(call.intrinsic, args);
  if (size === Number.POSITIVE_INFINITY) {
    throw intrinsicFailure(call, 'The arguments are larger than any state may hand on.');
  }
  spend(scope, 1 + size / 16);
  try {
    return call.intrinsic.run(args, scope.entropy);
  } catch (error) {
    if (error instanceof IntrinsicFault) throw intrinsicFailure(call, error.message);
    throw error;
  }
}

function evaluateArgument(argument: Argument, scope: Scope, input: Json): Json {
  if (argument.kind === 'literal') return argument.value;
  if (argument.kind === 'call') return callIntrinsic(argument, scope, input);
  const { path } = argument;
  const value = lookUp(path, scope, input);
  if (value !== undefined) return value;
  const found = JSON.stringify(lookedIn(path, scope, input));
  throw runtimeError(
    `The JsonPath argument for the field '${pathInMessages(path)}' could not be found in the input '${found}'`,
  );
}

function intrinsicFailure(call: IntrinsicCall, why: string): StatesError {
  return new StatesError(
    'States.IntrinsicFailure',
    `The function '${call.text}' had the following error: ${why}`,
  );
}

/** In bytes, more or less: of all that the function looks at. */
function sizeOf({ deep }: Intrinsic, args: readonly Json[]): number {
  if (deep === true) return boundBytes(args as Json[]);
  return args.reduce<number>((sum, value) => sum + shallowSize(value), 0);
}

function shallowSize(value: Json): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 1;
  return Array.isArray(value) ? value.length : 64 * Object.keys(value).length;
}

function findWrongKind(intrinsic: Intrinsic, args: readonly Json[]): string | undefined {
  for (const [index, value] of args.entries()) {
    const kind = intrinsic.takes[Math.min(index, intrinsic.takes.length - 1)];
    if (kind !== undefined && !isOfKind(kind, value)) {
      return `Argument ${index + 1} must be of type ${kind}, but was ${JSON.stringify(value)}.`;
    }
  }
  return undefined;
}

function readCall(reader: Reader, depth: number): IntrinsicCall {
  if (depth > MAX_NESTING) reader.fail(`function calls nest at most ${MAX_NESTING} deep, found more`);
  const start = reader.at;
  const name = reader.match(/States\.[A-Za-z0-9]*/y) ?? '';
  const intrinsic = INTRINSICS.get(name);
  if (intrinsic === undefined) reader.fail(`there is no intrinsic function ${name}`);
  reader.skipSpace();
  reader.expect('(');
  const args: Argument[] = [];
  for (reader.skipSpace(); !reader.take(')'); reader.skipSpace()) {
    if (args.length > 0) reader.expect(',');
    reader.skipSpace();
    args.push(readArgument(reader, name === 'States.Format' && args.length === 0, depth));
  }
  checkArguments(name, intrinsic, args);
  return { kind: 'call', text: reader.text.slice(start, reader.at), name, intrinsic, args };
}

function readArgument(reader: Reader, isTemplate: boolean, depth: number): Argument {
  if (reader.next === '$') return { kind: 'path', path: readPath(reader) };
  if (reader.next === "'") return { kind: 'literal', value: readText(reader, isTemplate) };
  if (reader.text.startsWith('States.', reader.at)) return readCall(reader, depth + 1);
  const word = reader.match(/(?:true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?=[\s,)])/y);
  if (word === undefined) {
    reader.fail('expected a path, a string in single quotes, a number, true, false, null or a function call');
  }
  return { kind: 'literal', value: JSON.parse(word) as Json };
}

/** A string literal. Only a quote, braces and the backslash itself may be escaped, as AWS insists. */
function readText(reader: Reader, isTemplate: boolean): string {
  const written = reader.match(/'[^'\\]*(?:\\['{}\\][^'\\]*)*'/y);
  if (written === undefined)
    reader.fail("the string is not closed, or has an escape other than \\', \\{, \\} and \\\\");
  // A template of States.Format keeps its escapes, but for the quote: there an escaped brace differs from a plain one.
  return written.slice(1, -1).replace(isTemplate ? /\\(')/g : /\\(['{}\\])/g, '$1');
}

function checkArguments(name: string, intrinsic: Intrinsic, args: readonly Argument[]): void {
  const most = intrinsic.variadic ? Number.POSITIVE_INFINITY : intrinsic.takes.length;
  const least = intrinsic.takes.length - (intrinsic.optional ?? 0) - (intrinsic.variadic ? 1 : 0);
  if (args.length < least || args.length > most) {
    throw new PathSyntaxError(
      `${name} takes ${least === most ? least : `${least} or more`} arguments, found ${args.length}`,
    );
  }
  for (const [index, argument] of args.entries()) {
    const kind = intrinsic.takes[Math.min(index, intrinsic.takes.length - 1)];
    if (kind !== undefined && argument.kind === 'literal' && !isOfKind(kind, argument.value)) {
      throw new PathSyntaxError(
        `argument ${index + 1} of ${name} must be of type ${kind}, found ${JSON.stringify(argument.value)}`,
      );
    }
  }
  const [template] = args;
  if (name === 'States.Format' && template?.kind === 'literal' && typeof template.value === 'string') {
    const places = countPlaces(template.value);
    if (places !== args.length - 1) {
      throw new PathSyntaxError(
        `the template of States.Format has ${places} occurrences of {}, found ${args.length - 1} values`,
      );
    }
  }
}
