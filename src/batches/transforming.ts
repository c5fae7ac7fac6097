/** The transformer of a batch or a start: an expression's text, and the world that it may see. */
import { randomUUID } from 'node:crypto';
import {
  applyTransformer,
  compileTransformer,
  type Entropy,
  type Transformed,
  type TransformerSource,
} from '../asl/index.js';
import type { Json } from '../std/json.js';

/** Makes an input from an output. Never rejects for what the expression does. */
export type Transform = (output: Json, source: TransformerSource) => Promise<Transformed>;

/** What an expression makes of outputs; the text was checked when it came in, so a complaint is told of each of them. */
export function createTransform(text: string): Transform {
  const parsed = compileTransformer(text);
  if (!parsed.ok) {
    const cause = `The transformer is not a JSONata expression: ${parsed.message}`;
    return async () => ({ ok: false, cause });
  }
  return (output, source) =>
    applyTransformer(parsed.transformer, { output, source, nowMs: Date.now(), entropy });
}

/** Between evaluations that may each take a second, timers and heartbeats have their turn. */
const entropy: Entropy = {
  random: Math.random,
  uuid: () => randomUUID(),
  pause: () => new Promise((resolve) => setImmediate(resolve)),
};
