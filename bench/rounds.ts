import { type Contender, type Sample, Void } from './contender.js';

/** What a contender did in all rounds. */
export interface Measured {
  contender: Contender;
  samples: Sample[];
  /** Why measurements were thrown away. */
  voids: string[];
}

/**
 * Measures everything once a round, so that what disturbs the machine for a while disturbs all alike. Every
 * other round goes backwards: nobody always comes after the same neighbour.
 */
export async function measureInRounds(
  contenders: readonly Contender[],
  rounds: number,
  say: (text: string) => void,
): Promise<Measured[]> {
  const all = contenders.map((contender): Measured => ({ contender, samples: [], voids: [] }));
  for (let round = 1; round <= rounds; round++) {
    for (const measured of round % 2 === 1 ? all : all.toReversed()) {
      say(`round ${round} of ${rounds}  ${measured.contender.name}`);
      try {
        const sample = await measured.contender.measure();
        measured.samples.push(sample);
        say(`  ${inWords(sample)}\n`);
      } catch (error) {
        if (!(error instanceof Void)) throw error;
        measured.voids.push(error.message);
        say(`  VOID: ${error.message}\n`);
      }
    }
  }
  return all;
}

function inWords({ perSecond, p50Ms, p99Ms }: Sample): string {
  const parts: string[] = [];
  if (perSecond !== undefined) parts.push(`${perSecond.toFixed(0)}/s`);
  if (p50Ms !== undefined) parts.push(`p50 ${p50Ms.toFixed(1)} ms`);
  if (p99Ms !== undefined) parts.push(`p99 ${p99Ms.toFixed(1)} ms`);
  return parts.join(', ');
}
