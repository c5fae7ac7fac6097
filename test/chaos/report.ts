import type { Row } from './run.js';

/** Whether anything was lost, doubled, or does not add up. */
export function hasFailed(rows: readonly Row[]): boolean {
  return rows.some(({ lost, doubled, unsound }) => lost + doubled + unsound > 0);
}

/** The table, as Markdown, and below it what was found. */
export function report(rows: readonly Row[]): string {
  const head = ['fault', 's', 'executions', 'requests', 'of them unanswered', 'lost', 'doubled', 'unsound'];
  const lines = rows.map((row) => [
    row.what,
    row.seconds.toFixed(0),
    grouped(row.executions),
    grouped(row.requests),
    grouped(row.unanswered),
    String(row.lost),
    String(row.doubled),
    String(row.unsound),
    String(row.late),
    secondsOf(row.recoveryP50Ms),
    secondsOf(row.recoveryMaxMs),
  ]);
  const table = [
    [...head, 'late calls', 'recovery p50', 'max'],
    ['---', ...Array(10).fill('---:')],
    ...lines,
  ];
  const found = rows.flatMap(({ fault, findings }) => findings.map((what) => `${fault}: ${what}`));
  return `${table.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n${found.map((line) => `\n${line}`).join('')}${found.length > 0 ? '\n' : ''}`;
}

function grouped(n: number): string {
  return n.toLocaleString('en-US');
}

function secondsOf(ms: number | null): string {
  return ms === null ? '–' : `${(ms / 1000).toFixed(1)} s`;
}
