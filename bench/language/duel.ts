import { Void } from '../contender.js';
import { median } from '../statistics.js';

/** The same work done in two ways: by the language, and by what it is measured against. */
export interface Duel {
  name: string;
  /** What the other way is. */
  against: string;
  /** How many transitions, or templates, one call of either way does. */
  units: number;
  /** The least share of the other's speed that will do. */
  target: number;
  ours: () => Promise<unknown>;
  theirs: () => Promise<unknown>;
}

export interface DuelResult {
  duel: Duel;
  /** Units a second, medians. */
  ours: number;
  theirs: number;
  /** Ours over theirs, one a round. */
  ratios: number[];
}

/** How long each way is measured in a round: long enough for the garbage that it makes to be its own. */
const SLICE_MS = 300;

/**
 * Measures all duels once a round, both ways right after each other, so that what disturbs the machine disturbs
 * both; every other round the other way comes first. A round before the first warms up and counts for nothing.
 * @throws Void when the two ways do not give the same.
 */
export async function fight(
  duels: readonly Duel[],
  rounds: number,
  say: (text: string) => void,
): Promise<DuelResult[]> {
  const measured = duels.map((duel) => ({ duel, ours: [] as number[], theirs: [] as number[] }));
  for (const { duel } of measured) {
    await compare(duel);
    await measure(duel.ours);
    await measure(duel.theirs);
  }
  for (let round = 1; round <= rounds; round++) {
    say(`round ${String(round)} of ${String(rounds)}\n`);
    for (const { duel, ours, theirs } of measured) {
      if (round % 2 === 0) theirs.push(duel.units * (await measure(duel.theirs)));
      ours.push(duel.units * (await measure(duel.ours)));
      if (round % 2 === 1) theirs.push(duel.units * (await measure(duel.theirs)));
    }
  }
  return measured.map(({ duel, ours, theirs }) => ({
    duel,
    ours: median(ours),
    theirs: median(theirs),
    ratios: ours.map((speed, round) => speed / (theirs[round] ?? Number.NaN)),
  }));
}

async function compare({ name, ours, theirs }: Duel): Promise<void> {
  const [a, b] = [JSON.stringify(await ours()), JSON.stringify(await theirs())];
  if (a !== b) throw new Void(`${name}: the two ways differ:\n${a}\n${b}`);
}

/** Calls a second. */
async function measure(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  let calls = 0;
  let elapsedMs = 0;
  for (let batch = 1; elapsedMs < SLICE_MS; batch *= 2) {
    for (let call = 0; call < batch; call++) await work();
    calls += batch;
    elapsedMs = performance.now() - startedAt;
    // What is left of the slice, by the speed so far.
    batch = Math.max(1, Math.min(batch, Math.ceil(((SLICE_MS - elapsedMs) * calls) / elapsedMs / 2)));
  }
  return (calls * 1000) / elapsedMs;
}
