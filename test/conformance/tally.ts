/** What became of all cases, counted. */
import type { Case } from './corpus.js';
import { differenceUpTo, LEVELS, type Level } from './levels.js';
import type { Outcome } from './runner.js';

export interface Count {
  passed: number;
  total: number;
}

export interface CategoryTally {
  cases: number;
  /** Of the cases with something recorded at the level: how many differ neither there nor at one before it. */
  levels: Partial<Record<Level, Count>>;
  notSupported: number;
  leftOut: number;
}

export interface Failure {
  id: string;
  level: Level;
  difference: string;
  /** Why it may differ; such a failure fails nothing. */
  exception?: string;
}

export interface Tally {
  level: Level;
  categories: Record<string, CategoryTally>;
  total: CategoryTally;
  /** Cases that each feature keeps from running; a case that needs two is counted with both. */
  features: Record<string, number>;
  notSupported: { id: string; features: string[] }[];
  /** Cases that take too long for this run. */
  leftOut: string[];
  failures: Failure[];
  /** Exceptions that differ in nothing any more: they are to be struck off. */
  passingExceptions: string[];
}

export function tallyOf(
  results: readonly { one: Case; outcome: Outcome }[],
  level: Level,
  exceptions: Readonly<Record<string, string>>,
): Tally {
  const tally: Tally = {
    level,
    categories: {},
    total: emptyTally(),
    features: {},
    notSupported: [],
    leftOut: [],
    failures: [],
    passingExceptions: [],
  };
  for (const { one, outcome } of results) {
    tally.categories[one.category] ??= emptyTally();
    const counted = [tally.total, tally.categories[one.category] as CategoryTally];
    for (const tallied of counted) count(tallied, outcome, level);
    if (outcome.kind === 'notSupported') {
      tally.notSupported.push({ id: one.id, features: outcome.features });
      for (const feature of outcome.features) tally.features[feature] = (tally.features[feature] ?? 0) + 1;
      continue;
    }
    if (outcome.kind === 'leftOut') {
      tally.leftOut.push(one.id);
      continue;
    }
    const found = differenceUpTo(level, outcome.findings);
    const exception = exceptions[one.id];
    if (found !== undefined)
      tally.failures.push({ id: one.id, ...found, ...(exception === undefined ? {} : { exception }) });
    else if (exception !== undefined && differenceUpTo('events', outcome.findings) === undefined)
      tally.passingExceptions.push(one.id);
  }
  return tally;
}

export function hasFailed({ failures, passingExceptions }: Tally): boolean {
  return passingExceptions.length > 0 || failures.some(({ exception }) => exception === undefined);
}

function emptyTally(): CategoryTally {
  return { cases: 0, levels: {}, notSupported: 0, leftOut: 0 };
}

function count(tally: CategoryTally, outcome: Outcome, upTo: Level): void {
  tally.cases++;
  if (outcome.kind === 'notSupported') {
    tally.notSupported++;
    return;
  }
  if (outcome.kind === 'leftOut') {
    tally.leftOut++;
    return;
  }
  for (const level of LEVELS.slice(0, LEVELS.indexOf(upTo) + 1)) {
    if (!outcome.findings.has(level)) continue;
    tally.levels[level] ??= { passed: 0, total: 0 };
    tally.levels[level].total++;
    if (differenceUpTo(level, outcome.findings) === undefined) tally.levels[level].passed++;
  }
}
