/** JSON text in answers, as the value that it stands for: the recording parsed some of it and left the rest. */
import { isObject, type Json, type JsonObject } from '../../src/std/json.js';

/** Text that is JSON, and texts inside it that are objects or arrays, as the values that they stand for. */
export function readText(value: Json | undefined): Json | undefined {
  if (typeof value === 'string') return /^\s*[[{]/.test(value) ? readAs(value) : value;
  if (Array.isArray(value)) return value.map((item) => readText(item) ?? null);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, readMember(key, item)]));
}

/** `input`, `output` and `parameters` of events are JSON text of any kind. */
function readMember(key: string, value: Json): Json {
  if (key === 'assignedVariables' && isObject(value)) {
    const texts = Object.entries(value).map(([name, text]) => [
      name,
      typeof text === 'string' ? readAs(text) : text,
    ]);
    return readText(Object.fromEntries(texts) as JsonObject) ?? null;
  }
  const isText = typeof value === 'string' && (key === 'input' || key === 'output' || key === 'parameters');
  return readText(isText ? readAs(value) : value) ?? null;
}

function readAs(text: string): Json {
  const value = tryJson(text) ?? tryJson(text.replace(HALF_MASKED, ':"$1"'));
  if (value === undefined) return text;
  return typeof value === 'object' ? (readText(value) ?? null) : value;
}

/** In some recordings the mask took the opening quote with it: `"requestId":<request-id>"`. */
const HALF_MASKED = /:(<[a-z-]+>)"/g;

function tryJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
