import { Lexer, Parser } from 'yaml';

/**
 * Whether a YAML text opens more than `limit` levels. To be asked before the library reads it, since its
 * composer recurses. Nested deeply enough that does not merely throw a RangeError: a regular expression that
 * V8 has to compile with no stack left ends the process ("RegExpCompiler Allocation failed"). The library's
 * lexer and its parser of tokens do not recurse, they keep a stack, which tells how deep the composer would go.
 */
export function opensMoreThan(limit: number, text: string): boolean {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    for (const _token of parser.next(lexeme));
    if (parser.stack.length > limit) return true;
  }
  return false;
}
