/** The recorded cases, in the shape that the corpus's own README gives. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Json, JsonObject } from '../../src/std/json.js';

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
  startParams?: { name?: string };
  /** Absent where nothing runs. */
  lambdas?: Record<string, Lambda>;
  workers?: CaseWorker[];
  /** Other machines, by name. */
  stateMachines?: Record<string, { definition: Json; type: string }>;
  eventsSorted?: boolean;
  wildcards?: { path: string; value: Json }[];
  expected: {
    status: string | null;
    output?: Json;
    error?: string;
    cause?: Json;
    events?: JsonObject[] | null;
    endLogEvent?: JsonObject;
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
  workerName: string | null;
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

/** The cases of `aws/*.json` in a directory or, where it has no such folder, of its own `*.json`. */
export function readCases(directory: string): Case[] {
  const inside = join(directory, 'aws');
  const folder = existsSync(inside) ? inside : directory;
  const files = readdirSync(folder).filter((file) => file.endsWith('.json') && file !== 'index.json');
  return files.sort().flatMap((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Case[]);
}

const KINDS = new Set(['execution', 'express-sync', 'express-async', 'create-error', 'validate-definition']);

/** The others are calls of AWS's API, or of a single state, not the run or the refusal of a definition. */
export function isAboutDefinition(one: Case): boolean {
  return KINDS.has(one.kind);
}
