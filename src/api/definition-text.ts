import { Lexer, Parser } from 'yaml';
import { type DiagnosticView, OperationError } from '../operations/index.js';
import type { Json } from '../std/json.js';

/** A little more than a definition may nest (300 levels), so that the language's own complaint comes first. */
const MAX_OPEN = 310;

/** Longer ones are refused unread, by the language. */
const MAX_LENGTH = 1024 * 1024;

/**
 * Why a definition's text must not come near the YAML library, which recurses. Nested deeply enough it does not
 * merely throw a RangeError: a regular expression that V8 has to compile with no stack left ends the process
 * ("RegExpCompiler Allocation failed"). The library's lexer and parser of tokens keep a stack of their own, which
 * tells how deep the recursion would go.
 */
export function nestingComplaint(definition: Json): DiagnosticView | undefined {
  if (typeof definition !== 'string' || definition.length > MAX_LENGTH || isJson(definition))
    return undefined;
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(definition)) {
    for (const _token of parser.next(lexeme));
    if (parser.stack.length > MAX_OPEN) {
      return {
        severity: 'ERROR',
        code: 'DEFINITION_TOO_LARGE',
        pointer: '',
        message: `The definition nests deeper than ${MAX_OPEN} levels.`,
      };
    }
  }
  return undefined;
}

/** @throws OperationError INVALID_DEFINITION with what `nestingComplaint` finds. */
export function refuseDeepDefinition(definition: Json | undefined): void {
  const complaint = definition === undefined ? undefined : nestingComplaint(definition);
  if (complaint === undefined) return;
  const { pointer, code, message } = complaint;
  throw new OperationError('INVALID_DEFINITION', message, { details: [{ pointer, code, message }] });
}

/** JSON.parse does not recurse, and what it accepts never gets to YAML. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
