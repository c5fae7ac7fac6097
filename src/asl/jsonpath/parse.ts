import { type Filter, parseFilter } from './filter.js';
import { findPathFunction } from './functions.js';
import { type CompiledPath, type CompiledReferencePath, PathSyntaxError, type Step } from './path.js';
import { Reader } from './reader.js';

/** Steps in one path. A path longer than this is no path that anybody wrote. */
const MAX_STEPS = 1000;

/** Parses a whole text as a path. Throws PathSyntaxError. */
export function parsePath(text: string): CompiledPath {
  const reader = new Reader(text);
  const path = readPath(reader);
  if (!reader.done) reader.fail('expected the end of the path');
  return path;
}

/** Parses a Reference Path: fields and indexes only. Throws PathSyntaxError. */
export function parseReferencePath(text: string): CompiledReferencePath {
  const path = parsePath(text);
  const places = path.steps.map((step) => {
    if (step.kind === 'field') return step.name;
    if (step.kind === 'index') return step.index;
    throw new PathSyntaxError(`a Reference Path has only fields and indexes, not ${describeStep(step)}`);
  });
  return { ...path, places };
}

/** Reads a path that begins here with `$`, `$$` or `$name` and ends where no further step follows. */
export function readPath(reader: Reader): CompiledPath {
  const start = reader.at;
  if (!reader.take('$')) reader.fail("a path begins with '$', found something else");
  const ofContext = reader.take('$');
  const variable = ofContext ? undefined : reader.match(VARIABLE);
  const steps = readSteps(reader);
  const text = reader.text.slice(start, reader.at);
  const path = { text, ofContext, steps, definite: isDefinite(steps) };
  return variable === undefined ? path : { ...path, variable };
}

/** A variable's name: letters, digits and underscores of any script, not beginning with a digit (UAX 31). */
const VARIABLE = /[\p{ID_Start}_][\p{ID_Continue}]*/uy;

/** The steps after `$`, `$$` or `@`. */
export function readSteps(reader: Reader, inFilter = false): Step[] {
  const steps: Step[] = [];
  for (;;) {
    if (steps.length > MAX_STEPS) reader.fail(`a path has at most ${MAX_STEPS} steps, found more`);
    if (reader.take('..')) {
      steps.push({ kind: 'descent' });
      steps.push(reader.next === '[' ? readBrackets(reader, inFilter) : readDotted(reader, inFilter));
    } else if (reader.take('.')) {
      steps.push(readDotted(reader, inFilter));
    } else if (reader.next === '[') {
      steps.push(readBrackets(reader, inFilter));
    } else {
      return steps;
    }
  }
}

/** What a dotted name may not contain unescaped: it would be an operator, or end an argument. */
const NAME = /(?:[^\s.[\](),?*'"\\]|\\.)+/uy;

/** Inside a filter, signs also compare and combine. */
const NAME_IN_FILTER = /(?:[^\s.[\](),?*'"\\@:;&|=<>!~^%+/{}]|\\.)+/uy;

function readDotted(reader: Reader, inFilter: boolean): Step {
  if (reader.take('*')) return { kind: 'wildcard' };
  const written = reader.match(inFilter ? NAME_IN_FILTER : NAME);
  if (written === undefined) reader.fail('expected a field name');
  const name = written.replace(/\\(.)/gsu, '$1');
  if (!reader.take('()')) return { kind: 'field', name };
  const call = findPathFunction(name);
  if (call === undefined) reader.fail(`there is no path function ${name}()`);
  return { kind: 'function', call };
}

function readBrackets(reader: Reader, inFilter: boolean): Step {
  reader.expect('[');
  reader.skipSpace();
  const step = readBracketed(reader, inFilter);
  reader.skipSpace();
  reader.expect(']');
  return step;
}

function readBracketed(reader: Reader, inFilter: boolean): Step {
  if (reader.take('*')) return { kind: 'wildcard' };
  if (reader.next === "'" || reader.next === '"') return readNames(reader);
  if (reader.take('(')) return readFromEnd(reader);
  if (!reader.take('?')) return readIndexes(reader);
  if (inFilter) reader.fail('a filter inside a filter is not possible');
  reader.skipSpace();
  reader.expect('(');
  const filter: Filter = parseFilter(reader);
  reader.skipSpace();
  reader.expect(')');
  return { kind: 'filter', filter };
}

/** `[(@.length-1)]`, the older way to write `[-1]`. */
function readFromEnd(reader: Reader): Step {
  const written = reader.match(/@\.length\s*-\s*\d{1,9}\)/y);
  if (written === undefined) reader.fail('expected (@.length-N)');
  return { kind: 'index', index: -Number(written.slice(written.indexOf('-') + 1, -1)) };
}

function readNames(reader: Reader): Step {
  const names: string[] = [];
  do {
    reader.skipSpace();
    names.push(readQuoted(reader));
    reader.skipSpace();
  } while (reader.take(','));
  const [first] = names;
  return names.length === 1 && first !== undefined
    ? { kind: 'field', name: first }
    : { kind: 'fields', names };
}

/** A string in single or double quotes. A backslash escapes the quote and itself; before anything else it is plain, as AWS has it. */
export function readQuoted(reader: Reader): string {
  const quote = reader.next;
  if (quote !== "'" && quote !== '"') reader.fail('expected a string in quotes');
  const single = quote === "'";
  const written = reader.match(single ? /'[^'\\]*(?:\\.[^'\\]*)*'/suy : /"[^"\\]*(?:\\.[^"\\]*)*"/suy);
  if (written === undefined) reader.fail('the string is not closed');
  return written.slice(1, -1).replace(single ? /\\(['\\])/g : /\\(["\\])/g, '$1');
}

const INTEGER = /-?\d{1,9}/y;

function readIndexes(reader: Reader): Step {
  const first = readInteger(reader);
  reader.skipSpace();
  if (reader.take(':')) return readSlice(reader, first);
  if (first === undefined) reader.fail('expected an index, a slice, a quoted name, * or ?(...)');
  const indexes = [first];
  while (reader.take(',')) {
    reader.skipSpace();
    const index = readInteger(reader);
    if (index === undefined) reader.fail('expected an index');
    indexes.push(index);
    reader.skipSpace();
  }
  return indexes.length === 1 ? { kind: 'index', index: first } : { kind: 'indexes', indexes };
}

function readSlice(reader: Reader, from: number | undefined): Step {
  reader.skipSpace();
  const to = readInteger(reader);
  reader.skipSpace();
  if (!reader.take(':')) return { kind: 'slice', from, to, by: 1 };
  reader.skipSpace();
  const by = readInteger(reader) ?? 1;
  if (by < 1) reader.fail("a slice's step is at least 1, found less");
  return { kind: 'slice', from, to, by };
}

function readInteger(reader: Reader): number | undefined {
  const written = reader.match(INTEGER);
  return written === undefined ? undefined : Number(written);
}

/** A list of names at the end of a path picks them into one object; anywhere else it branches. */
function isDefinite(steps: readonly Step[]): boolean {
  return (
    steps.every(
      (step, position) =>
        step.kind === 'field' ||
        step.kind === 'index' ||
        step.kind === 'function' ||
        (step.kind === 'fields' && position === steps.length - 1),
    ) || steps.at(-1)?.kind === 'function'
  );
}

function describeStep(step: Step): string {
  switch (step.kind) {
    case 'descent':
      return "'..'";
    case 'wildcard':
      return "'*'";
    case 'filter':
      return "a filter '?()'";
    case 'slice':
      return "a slice ':'";
    case 'fields':
    case 'indexes':
      return "a list ','";
    case 'function':
      return 'a function';
    default:
      return step.kind;
  }
}
