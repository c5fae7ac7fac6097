import { grouped } from './grouping.js';
import type { Outcome } from './hammer.js';
import type { Violation } from './verdict.js';

/** As many violations of a kind as are told in full. */
const SHOWN = 3;

/** The outcome, for people: a table, and what was violated. */
export function reportOf({ counts, blows, violations }: Outcome): string {
  const rows: [string, number][] = [
    ['executions', counts.executions],
    ['claims', counts.claims],
    ['of these, takeovers that read a journal', counts.takeovers],
    ['living workers declared dead', blows.expired],
    ['processes killed', blows.kills],
    ['processes stopped for a while (SIGSTOP)', blows.freezes],
    ['database sessions killed', blows.backends],
    ['checkpoints committed', counts.commits],
    ['calls of functions', counts.calls],
    ['of these, calls again under the same key', counts.repeated],
    ['of these, by an owner that was one no more', counts.late],
    ['results committed', counts.results],
    ['signals acknowledged', counts.acknowledged],
    ['signals refused', counts.refused],
    ['signals whose sender was cut off', counts.unanswered],
    ['pauses', blows.pauses],
    ['redrives', blows.redrives],
    ['violations', violations.length],
  ];
  const table = rows.map(([what, count]) => `${what.padEnd(44)}${String(count).padStart(9)}`);
  return [...table, ...describe(violations)].join('\n');
}

function describe(violations: readonly Violation[]): string[] {
  return [...grouped(violations, ({ rule }) => rule)].flatMap(([rule, some]) => [
    '',
    `${rule}: ${some.length}`,
    ...some.slice(0, SHOWN).map(({ executionId, what }) => `  ${executionId} ${what}`),
  ]);
}
