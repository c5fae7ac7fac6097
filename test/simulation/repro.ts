/** A run that failed, in a form that a person can read. */
import type { Bug } from './bugs.js';
import type { Outcome } from './run.js';
import { runScenario } from './run.js';
import type { Scenario } from './scenario.js';
import { shrink } from './shrink.js';

/** The last so many lines of what happened. */
const LINES = 40;

export async function reproOf(
  scenario: Scenario,
  outcome: Outcome,
  options: { bug: Bug | undefined; shrinks: boolean },
): Promise<string> {
  const { bug } = options;
  const first = outcome.complaints[0] ?? '';
  const smallest = options.shrinks
    ? await shrink(scenario, async (smaller) => {
        const { complaints } = await tried(smaller, bug);
        return complaints.some((complaint) => kindOf(complaint) === kindOf(first));
      })
    : scenario;
  const shown = await runScenario(smallest, { bug, traced: true });
  const { machines, roots, messages, acts, faults, workers, concurrency } = smallest;
  const again = `npm run simulate -- --seed ${String(scenario.seed)}${bug === undefined ? '' : ` --bug ${bug}`} --trace`;
  const lines = [
    `seed ${String(scenario.seed)}: ${first}`,
    `  again: ${again}`,
    `  cut down to ${String(workers)} worker(s) with ${String(concurrency)} slot(s), and`,
    ...faults.map((fault) => `  fault   ${JSON.stringify(fault)}`),
    ...acts.map((act) => `  act     ${JSON.stringify(act)}`),
    ...messages.map((message) => `  message ${JSON.stringify(message)}`),
    ...roots.map((root) => `  start   ${JSON.stringify(root)}`),
    ...Object.entries(machines).map(
      ([name, definition]) => `  machine ${name} ${JSON.stringify(definition)}`,
    ),
    ...shown.complaints.map((complaint) => `  WRONG   ${cut(complaint)}`),
    ...shown.trace.slice(-LINES).map((line) => `  | ${cut(line)}`),
  ];
  return lines.join('\n');
}

/** A scenario that was cut down may not make sense any more: then it does not fail in the same way. */
async function tried(scenario: Scenario, bug: Bug | undefined): Promise<{ complaints: string[] }> {
  try {
    return await runScenario(scenario, { bug });
  } catch {
    return { complaints: [] };
  }
}

/** A complaint without the times, names and numbers in it. */
function kindOf(complaint: string): string {
  return complaint
    .replace(/: frame \d+ is .*/s, '')
    .replace(/has not ended: .*/, 'has not ended')
    .replace(/(root|child)-\d+/g, 'one')
    .replace(/ended with .*/, 'ended otherwise')
    .replace(/[\d.]+/g, '0');
}

function cut(line: string): string {
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}
