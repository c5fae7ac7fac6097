import { isCollection, isMap, isPair, isScalar, LineCounter, parseDocument } from 'yaml';
import type { Json, JsonObject } from '../std/json.js';
import { isDeeperThan, isObject, walkJson } from '../std/json.js';
import { findDuplicateKeys } from '../std/json-text.js';
import { appendPointer } from '../std/pointer.js';
import type { Diagnostic, DiagnosticCode } from './diagnostic.js';
import { opensMoreThan } from './yaml-nesting.js';

export type ParseResult = { ok: true; definition: JsonObject } | { ok: false; diagnostics: Diagnostic[] };

/** AWS's own limit for a definition, in bytes. */
const MAX_BYTES = 1024 * 1024;

/** Levels of arrays and objects; a workflow of thirty Parallel states inside each other has about 150. */
export const MAX_DEPTH = 300;

/**
 * A definition from JSON or YAML text, or from an object that is already parsed. Says what is wrong with
 * the text: no syntax, a key given twice, too large. Never throws.
 */
export function parseDefinition(source: string | Json): ParseResult {
  const parsed = typeof source === 'string' ? parseText(source) : checkValue(source);
  if ('diagnostics' in parsed) return { ok: false, diagnostics: parsed.diagnostics };
  if (!isObject(parsed.value))
    return refuse('SCHEMA_VALIDATION_FAILED', 'Definition must be a valid JSON object');
  return { ok: true, definition: parsed.value };
}

type Parsed = { value: unknown } | { diagnostics: Diagnostic[] };

function parseText(text: string): Parsed {
  if (Buffer.byteLength(text, 'utf8') > MAX_BYTES) return tooLarge();
  const json = tryJson(text);
  if ('value' in json) {
    const duplicates = findDuplicateKeys(text).map(({ key, pointer, line }) =>
      error(
        'DUPLICATE_KEY',
        `The key '${key}' is given twice in one object, the second time in line ${line}.`,
        pointer,
      ),
    );
    return duplicates.length > 0 ? { diagnostics: duplicates } : checkValue(json.value);
  }
  // The document and the scalar of a value are open too: what is only just too deep is counted once it is read.
  if (opensMoreThan(MAX_DEPTH + 10, text)) return tooDeep();
  const yaml = tryYaml(text);
  // Words that are neither JSON nor a YAML object: as JSON they begin with an unknown one.
  if ('value' in yaml && typeof yaml.value === 'string') {
    const unknown = unknownToken(text);
    if (unknown !== undefined) return { diagnostics: [error('INVALID_JSON_DESCRIPTION', unknown)] };
  }
  // A text that begins as JSON was meant as JSON: then JSON's complaint is the helpful one.
  if ('diagnostics' in yaml && /^\s*[{[]/.test(text) && !yaml.diagnostics.some(isDuplicate)) {
    return {
      diagnostics: [error('INVALID_JSON_DESCRIPTION', `The definition is not valid JSON: ${json.problem}.`)],
    };
  }
  return yaml;
}

/** What AWS's JSON parser says of a word where a value should be; it shows the first 500 characters. */
function unknownToken(text: string): string | undefined {
  const [before, blank = '', token] = /^(\s*)([\p{L}_$][\p{L}\p{N}_$]*)/u.exec(text) ?? [];
  if (before === undefined || token === undefined) return undefined;
  const line = blank.split('\n').length;
  const column = blank.length - blank.lastIndexOf('\n') + token.length;
  const shown =
    text.length > 500 ? `"${text.slice(0, 500)}"[truncated ${text.length - 500} chars]` : `"${text}"`;
  const where = `[Source: (String)${shown}; line: ${line}, column: ${column}]`;
  return `Unrecognized token '${token}': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')\n at ${where}`;
}

function tryJson(text: string): { value: unknown } | { problem: string } {
  try {
    return { value: JSON.parse(text) };
  } catch (problem) {
    return { problem: problem instanceof Error ? problem.message : String(problem) };
  }
}

/** YAML 1.2 core schema: strings, numbers, booleans, null; no tags, no dates, no merge keys. */
function tryYaml(text: string): Parsed {
  try {
    const lineCounter = new LineCounter();
    const document = parseDocument(text, {
      version: '1.2',
      schema: 'core',
      uniqueKeys: true,
      lineCounter,
      logLevel: 'silent',
    });
    const problems = [...document.errors, ...document.warnings];
    if (problems.length > 0) {
      const twice = problems.filter(({ code }) => code === 'DUPLICATE_KEY').map(({ pos }) => pos[0]);
      const pointers = keyPointers(document.contents, new Set(twice));
      return {
        diagnostics: problems.map((problem) => {
          const { line } = lineCounter.linePos(problem.pos[0]);
          return problem.code === 'DUPLICATE_KEY'
            ? error(
                'DUPLICATE_KEY',
                `A key is given twice in one object, the second time in line ${line}.`,
                pointers.get(problem.pos[0]),
              )
            : error(
                'INVALID_JSON_DESCRIPTION',
                `The definition is not valid YAML: ${firstLine(problem.message)}.`,
              );
        }),
      };
    }
    // Aliases may repeat a part, but a hundred of them are no definition but an attack by expansion.
    return checkValue(document.toJS({ maxAliasCount: 100 }));
  } catch (problem) {
    // Too many aliases throw.
    const why = problem instanceof Error ? firstLine(problem.message) : String(problem);
    return {
      diagnostics: [error('INVALID_JSON_DESCRIPTION', `The definition cannot be read as YAML: ${why}.`)],
    };
  }
}

/** JSON Pointers of the keys that begin at these offsets of a YAML text, in one walk. */
function keyPointers(root: unknown, offsets: ReadonlySet<number>): Map<number, string> {
  const found = new Map<number, string>();
  const path: (string | number)[] = [];
  const walk = (node: unknown): void => {
    if (!isCollection(node)) return;
    node.items.forEach((item, index) => {
      const key = isMap(node) && isPair(item) && isScalar(item.key) ? item.key : undefined;
      path.push(key === undefined ? index : String(key.value));
      const offset = key?.range?.[0];
      if (offset !== undefined && offsets.has(offset)) found.set(offset, appendPointer('', ...path));
      walk(isPair(item) ? item.value : item);
      path.pop();
    });
  };
  if (offsets.size > 0) walk(root);
  return found;
}

/** Whether a value is JSON of a reasonable size: what YAML or a caller hands in may be neither. */
function checkValue(value: unknown): Parsed {
  if (isDeeperThan(value, MAX_DEPTH)) return tooDeep();
  const diagnostics: Diagnostic[] = [];
  let size = 0;
  walkJson(value, (part, _depth, pointer) => {
    size += typeof part === 'string' ? part.length : 1;
    if (isObject(part)) for (const key in part) size += key.length;
    if (typeof part === 'number' && !Number.isFinite(part)) {
      diagnostics.push(error('SCHEMA_VALIDATION_FAILED', `${part} is not a JSON number.`, pointer));
    } else if (!isJsonPart(part)) {
      diagnostics.push(
        error('SCHEMA_VALIDATION_FAILED', `A value of type ${typeof part} is not JSON.`, pointer),
      );
    }
    return size <= MAX_BYTES;
  });
  if (size > MAX_BYTES) return tooLarge();
  return diagnostics.length > 0 ? { diagnostics } : { value };
}

function isJsonPart(part: unknown): boolean {
  if (typeof part !== 'object' || part === null || Array.isArray(part)) {
    return part === null || ['object', 'string', 'number', 'boolean'].includes(typeof part);
  }
  const prototype: unknown = Object.getPrototypeOf(part);
  return prototype === Object.prototype || prototype === null;
}

function isDuplicate(diagnostic: Diagnostic): boolean {
  return diagnostic.code === 'DUPLICATE_KEY';
}

function tooLarge(): { diagnostics: Diagnostic[] } {
  return {
    diagnostics: [error('DEFINITION_TOO_LARGE', `A definition has at most ${MAX_BYTES} bytes, found more.`)],
  };
}

function tooDeep(): { diagnostics: Diagnostic[] } {
  return {
    diagnostics: [
      error('DEFINITION_TOO_LARGE', `A definition nests at most ${MAX_DEPTH} levels deep, found more.`),
    ],
  };
}

function refuse(code: DiagnosticCode, message: string): ParseResult {
  return { ok: false, diagnostics: [error(code, message)] };
}

function error(code: DiagnosticCode, message: string, pointer = ''): Diagnostic {
  return { severity: 'ERROR', code, pointer, message };
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]?.replace(/[.:]+$/, '') ?? text;
}
