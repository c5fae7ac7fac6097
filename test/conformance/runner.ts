/** Runs one recorded case, and compares what came of it. */
import { compare } from './compare.js';
import type { Case } from './corpus.js';
import { inMemory } from './in-memory.js';
import { differenceUpTo, type Findings } from './levels.js';
import { compareDiagnostics, compareRefusal } from './refusals.js';
import { type Complaint, notSupportedIn, type Through } from './through.js';

export type Outcome =
  /** `elapsedMs`: how long the execution took, where there was one. */
  | { kind: 'compared'; findings: Findings; elapsedMs?: number }
  /** What the case needs and we refuse by name. */
  | { kind: 'notSupported'; features: string[] }
  /** It takes too long for this run. */
  | { kind: 'leftOut' };

export interface Result {
  one: Case;
  outcome: Outcome;
}

/** One after another: nothing waits. */
export async function runInMemory(cases: readonly Case[]): Promise<Result[]> {
  const results: Result[] = [];
  for (const one of cases) results.push({ one, outcome: await runCase(one, inMemory) });
  return results;
}

/** Never throws: what breaks on the way is a difference. */
export async function runCase(one: Case, through: Through): Promise<Outcome> {
  try {
    return one.kind === 'create-error' || one.kind === 'validate-definition'
      ? await judge(one, through)
      : await execute(one, through);
  } catch (error) {
    return { kind: 'compared', findings: new Map([['output', wordsOf(error)]]) };
  }
}

async function judge(one: Case, through: Through): Promise<Outcome> {
  const code = one.expected.apiError?.code;
  if (one.kind === 'create-error' && code !== 'InvalidDefinition') {
    // The definition is sound; what was refused is in a part of the request that such a case does not hold.
    return { kind: 'notSupported', features: [`refusals of CreateStateMachine with ${String(code)}`] };
  }
  const judgement = await through.judge(one);
  const findings =
    one.kind === 'create-error' ? compareRefusal(one, judgement) : compareDiagnostics(one, judgement);
  // AWS's complaint may stand beside ours, that something is not built yet: then the case has its answer.
  const features = notSupportedIn(judgement.errors);
  return differenceUpTo('events', findings) !== undefined && features.length > 0
    ? { kind: 'notSupported', features }
    : { kind: 'compared', findings };
}

async function execute(one: Case, through: Through): Promise<Outcome> {
  const result = await through.execute(one);
  if (result.kind === 'ran') {
    const findings = compare(one, result.got, through.order);
    return { kind: 'compared', findings, elapsedMs: result.got.elapsedMs };
  }
  const features = notSupportedIn(result.errors);
  if (features.length > 0) return { kind: 'notSupported', features };
  const difference = `it was refused: ${result.errors.map(shown).join('; ')}`;
  return { kind: 'compared', findings: new Map([['output', difference]]) };
}

function shown({ code, message, pointer }: Complaint): string {
  return `${code}: ${message} at ${pointer || '/'}`;
}

/** A case that is not as its README says is told in a sentence; a fault of ours with its stack. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.name === 'CaseError' ? error.message : (error.stack ?? error.message);
}
