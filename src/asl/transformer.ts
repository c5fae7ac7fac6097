/** Chaining: a JSONata expression that makes the input of one execution from the output of another. */
import type { Json, JsonObject } from '../std/json.js';
import {
  bindingsOf,
  type CompiledJsonata,
  compileJsonata,
  EvaluationError,
  evaluateJsonata,
  JsonataSyntaxError,
} from './jsonata/expression.js';
import { NotJson, TooLarge, toPlain } from './jsonata/plain.js';
import { inTurn } from './jsonata/queue.js';
import { expressionIn, isExpression } from './jsonata/syntax.js';
import { boundBytes, MAX_PAYLOAD_BYTES } from './payload-size.js';
import type { Entropy } from './scope.js';

/** An expression, parsed once for all of the sources that it is applied to. */
export interface CompiledTransformer {
  readonly compiled: CompiledJsonata;
}

/** What `$source` shows of the source execution. */
export type TransformerSource = {
  id: string;
  name: string;
  stateMachineId: string;
  status: string;
  /** The state whose output is transformed; absent: the output is the execution's. */
  stateName?: string;
};

/** `text`: the value as JSON text, at most 256 KiB. `cause`: a sentence. */
export type Transformed = { ok: true; value: Json; text: string } | { ok: false; cause: string };

/**
 * Parses an expression, which may stand between `{%` and `%}` as in a state.
 * @returns what is wrong with it, and behind how many characters of what stands between the brackets, where it has none.
 */
export function compileTransformer(
  text: string,
): { ok: true; transformer: CompiledTransformer } | { ok: false; message: string; position?: number } {
  try {
    return { ok: true, transformer: { compiled: compileJsonata(expressionOf(text)) } };
  } catch (error) {
    if (!(error instanceof JsonataSyntaxError)) throw error;
    const { message, position } = error;
    return { ok: false, message, ...(position !== undefined && { position }) };
  }
}

/**
 * Applies an expression to an output: `$` and bare names look into it, `$states.input` is it too, as in a state, and
 * `$source` says whose it is. Held to what an expression of a state may take of time, stack and memory, and its value
 * to what a state may hand on. Never rejects for what the expression does.
 */
export function applyTransformer(
  { compiled }: CompiledTransformer,
  {
    output,
    source,
    nowMs,
    entropy,
  }: { output: Json; source: TransformerSource; nowMs: number; entropy: Entropy },
): Promise<Transformed> {
  return inTurn(async () => {
    try {
      const states: JsonObject = { input: output };
      const bindings = bindingsOf({ source }, states, { nowMs, entropy });
      return asInput(await evaluateJsonata(compiled, bindings, entropy.pause?.bind(entropy), output));
    } catch (error) {
      return { ok: false, cause: causeOf(error) };
    } finally {
      await entropy.pause?.();
    }
  });
}

function expressionOf(text: string): string {
  const trimmed = text.trim();
  return isExpression(trimmed) ? expressionIn(trimmed) : text;
}

function asInput(found: unknown): Transformed {
  if (found === undefined) return { ok: false, cause: 'The transformer gave nothing (undefined).' };
  const value = toPlain(found);
  // What is surely too large is not turned into text to be measured.
  const text = boundBytes(value) === Number.POSITIVE_INFINITY ? undefined : JSON.stringify(value);
  if (text === undefined || new TextEncoder().encode(text).length > MAX_PAYLOAD_BYTES) throw new TooLarge();
  if (UNSTORABLE.test(text)) {
    return { ok: false, cause: 'The transformer gave text with \\u0000 or half a surrogate pair in it.' };
  }
  return { ok: true, value, text };
}

/** As JSON.stringify writes them, behind an even number of backslashes. PostgreSQL's text has neither. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/;

function causeOf(error: unknown): string {
  if (error instanceof NotJson) return 'The transformer gave a function, which is not JSON.';
  if (error instanceof TooLarge) {
    return `The transformer gave more than the ${String(MAX_PAYLOAD_BYTES)} bytes of JSON text that an input may have.`;
  }
  if (!(error instanceof EvaluationError)) throw error;
  const code = error.code === undefined ? '' : `${error.code}: `;
  return `The transformer failed: ${code}${storable(error.message)}`;
}

/** What an expression says of its failure may have parts of the data in it, of any length. */
function storable(message: string): string {
  return message.slice(0, MAX_CAUSE).replace(/[\0\p{Cs}]/gu, '\uFFFD');
}

const MAX_CAUSE = 2000;
