/** One run: a scenario of a seed, with its faults; and, where that says something, the same without them. */
import type { Bug } from './bugs.js';
import { type Played, play } from './play.js';
import type { Scenario } from './scenario.js';

export interface Outcome extends Played {
  /** The run without faults was played, too. */
  compared: boolean;
}

export async function runScenario(
  scenario: Scenario,
  options: { bug?: Bug | undefined; traced?: boolean } = {},
): Promise<Outcome> {
  const played = await play(scenario, options);
  if (!scenario.deterministic || played.complaints.length > 0) return { ...played, compared: false };
  const calm = await play({ ...scenario, faults: [], workers: 1 });
  for (const complaint of calm.complaints) played.complaints.push(`without any fault, ${complaint}`);
  for (const [name, end] of Object.entries(calm.ends)) {
    const got = JSON.stringify(played.ends[name]);
    if (got !== JSON.stringify(end))
      played.complaints.push(`${name} ended with ${got}, and without faults with ${JSON.stringify(end)}`);
  }
  return { ...played, compared: true };
}
