/** The recorded cases (see the corpus's own README), and which of them are about what is built. */
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
  lambdas: Record<string, Lambda>;
  eventsSorted?: boolean;
  wildcards?: { path: string; value: Json }[];
  expected: {
    status: string | null;
    output?: Json;
    error?: string;
    cause?: Json;
    events?: JsonObject[] | null;
    apiError?: { code: string; message: string };
    result?: string;
    diagnostics?: JsonObject[];
  };
}

export interface Lambda {
  source: string;
  params?: { [name: string]: Json };
}

/** Beside the project; a checkout of the project alone does not have it. */
export const CORPUS =
  process.env['CONFORMANCE_CORPUS'] ?? join(process.cwd(), '..', 'shared', 'conformance', 'aws');

export function corpusExists(): boolean {
  return existsSync(CORPUS);
}

export function readCases(): Case[] {
  const files = readdirSync(CORPUS).filter((file) => file.endsWith('.json') && file !== 'index.json');
  return files.sort().flatMap((file) => JSON.parse(readFileSync(join(CORPUS, file), 'utf8')) as Case[]);
}

/** What the language cannot do yet; definitions that need it are refused at creation. */
const NOT_BUILT = new Set(['DistributedMap', 'ItemReader', 'Activity']);

/** Executions of Standard machines that need nothing that is not built, and what is refused of definitions. */
export function isInScope(one: Case): boolean {
  if (one.kind === 'create-error') return one.expected.apiError?.code === 'InvalidDefinition';
  if (one.kind === 'validate-definition') return true;
  if (one.kind !== 'execution' || one.machineType === 'EXPRESS') return false;
  if (one.features.some((feature) => NOT_BUILT.has(feature))) return false;
  const services = one.features.filter((feature) => feature.startsWith('resource:'));
  if (services.some((service) => service !== 'resource:lambda:invoke')) return false;
  return !JSON.stringify(one.definition ?? one.definitionText).includes('waitForTaskToken');
}
