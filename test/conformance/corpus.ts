/** The recorded cases, in the shape that the corpus's own README gives. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isObject, type Json, type JsonObject } from '../../src/std/json.js';
import type { Wildcard } from './wildcards.js';

export interface Case {
  id: string;
  category: string;
  kind: string;
  features: string[];
  machineType?: string;
  definition: JsonObject | null;
  definitionText?: string;
  input?: Json;
  inputText?: string;
  /** The caller sent no input at all. */
  inputOmitted?: boolean;
  startParams?: { name?: string };
  /** Absent where nothing runs. */
  lambdas?: Record<string, Lambda>;
  workers?: CaseWorker[];
  /** Other machines, by name. */
  stateMachines?: Record<string, { definition: Json; type?: string }>;
  eventsSorted?: boolean;
  wildcards?: Wildcard[];
  expected: {
    /** null: it never ended while it was recorded. */
    status?: string | null;
    output?: Json;
    error?: string;
    cause?: Json;
    events?: JsonObject[] | null;
    endLogEvent?: JsonObject;
    /** StartSyncExecution's answer. */
    response?: JsonObject;
    /** DescribeExecution's answer. */
    describe?: JsonObject;
    other?: { describe_execution?: JsonObject; logged_execution_events?: JsonObject[] };
    apiError?: { code: string; message: string };
    result?: string;
    diagnostics?: JsonObject[];
  };
}

export interface Lambda {
  source: string;
  params?: { [name: string]: Json };
}

/** Who takes an activity's task, and what it does then, one step after another. */
export interface CaseWorker {
  workerName?: string | null;
  steps: CaseStep[];
}

export interface CaseStep {
  do: string;
  seconds?: number;
  output?: string;
  error?: string;
  cause?: string;
}

/** Beside the project; a checkout of the project alone does not have it. */
export const CORPUS = join(process.cwd(), '..', 'shared', 'conformance');

export interface Corpus {
  cases: Case[];
  /** What is not as the corpus's README says: files that cannot be read, entries that are no cases. */
  complaints: string[];
}

/** The cases of `aws/*.json` in a directory or, where it has no such folder, of its own `*.json`. */
export function readCorpus(directory: string): Corpus {
  const inside = join(directory, 'aws');
  const folder = existsSync(inside) ? inside : directory;
  const corpus: Corpus = { cases: [], complaints: [] };
  for (const file of namesIn(folder, corpus.complaints)) {
    const entries = readEntries(join(folder, file), corpus.complaints);
    for (const [at, entry] of entries.entries()) {
      const found = caseIn(entry, file.replace(/\.json$/, ''));
      if (typeof found === 'string') corpus.complaints.push(`${file}[${String(at)}] ${found}`);
      else corpus.cases.push(found);
    }
  }
  return corpus;
}

function namesIn(folder: string, complaints: string[]): string[] {
  try {
    return readdirSync(folder)
      .filter((file) => file.endsWith('.json') && file !== 'index.json')
      .sort();
  } catch (error) {
    complaints.push(`${folder} cannot be read: ${wordsOf(error)}`);
    return [];
  }
}

function readEntries(file: string, complaints: string[]): Json[] {
  try {
    const entries = JSON.parse(readFileSync(file, 'utf8')) as Json;
    if (Array.isArray(entries)) return entries;
    complaints.push(`${file} is not a list of cases`);
  } catch (error) {
    complaints.push(`${file} cannot be read: ${wordsOf(error)}`);
  }
  return [];
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const ABOUT_DEFINITIONS = [
  'execution',
  'express-sync',
  'express-async',
  'create-error',
  'validate-definition',
];
/** Calls of AWS's API, and of a single state: not the run or the refusal of a definition. */
const OTHERS = ['api-trace', 'test-state'];

export function isAboutDefinition({ kind }: Case): boolean {
  return ABOUT_DEFINITIONS.includes(kind);
}

export function isExpress({ kind, machineType }: Case): boolean {
  return machineType === 'EXPRESS' || kind.startsWith('express');
}

/** Some writers say null where others leave a member out. */
const OPTIONAL: readonly string[] = [
  'machineType',
  'definitionText',
  'inputText',
  'startParams',
  'lambdas',
  'workers',
  'stateMachines',
  'wildcards',
  'eventsSorted',
  'category',
  'features',
];

/** The case, or what keeps the entry from being one. */
function caseIn(entry: Json, category: string): Case | string {
  if (!isObject(entry)) return 'is not an object';
  const { id, kind, definition, definitionText } = entry;
  if (typeof id !== 'string' || id === '') return 'has no id';
  if (typeof kind !== 'string') return `(${id}) has no kind`;
  if (![...ABOUT_DEFINITIONS, ...OTHERS].includes(kind)) return `(${id}) is of an unknown kind: ${kind}`;
  const given = Object.entries(entry).filter(([name, value]) => value !== null || !OPTIONAL.includes(name));
  const one = { category, features: [], ...Object.fromEntries(given) };
  if (OTHERS.includes(kind)) return one as unknown as Case;
  if (!isObject(definition ?? null) && typeof definitionText !== 'string')
    return `(${id}) has neither a definition nor a definitionText`;
  if (!isObject(entry['expected'] ?? null)) return `(${id}) has nothing that is expected`;
  for (const name of ['lambdas', 'stateMachines', 'startParams'])
    if (!isObject(entry[name] ?? {})) return `(${id}) has ${name} that are no object`;
  for (const name of ['workers', 'wildcards'])
    if (!Array.isArray(entry[name] ?? [])) return `(${id}) has ${name} that are no list`;
  // What matters of the shape has been looked at; what is inside is taken as the README gives it.
  return one as unknown as Case;
}

/** A case that cannot be run as it is; the message says what its README does not tell of. */
export class CaseError extends Error {
  override readonly name = 'CaseError';
}
