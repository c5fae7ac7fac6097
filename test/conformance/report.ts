/** The tally as text: a table, what is not supported yet, and each difference in a few lines. */
import { LEVELS, type Level } from './levels.js';
import type { CategoryTally, Failure, Tally } from './tally.js';
import { QUICK_MS } from './through.js';

export function report(tally: Tally): string {
  return [table(tally), features(tally), leftOut(tally), failures(tally), passing(tally)]
    .filter(Boolean)
    .join('\n');
}

function table({ level, categories, total }: Tally): string {
  const levels = LEVELS.slice(0, LEVELS.indexOf(level) + 1);
  const rows = [
    ['category', 'cases', ...levels, 'not supported yet'],
    ...Object.entries(categories).map(([name, tallied]) => rowOf(name, tallied, levels)),
    rowOf('total', total, levels),
  ];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) => `${row.map((cell, at) => padded(cell, widths[at] ?? 0, at)).join('  ')}\n`)
    .join('');
}

function rowOf(name: string, { cases, levels, notSupported }: CategoryTally, shown: Level[]): string[] {
  const counts = shown.map((level) => {
    const { passed, total } = levels[level] ?? { passed: 0, total: 0 };
    return total === 0 ? '-' : `${passed} / ${total}`;
  });
  return [name, String(cases), ...counts, String(notSupported)];
}

function padded(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}

function features({ features: found }: Tally): string {
  const lines = Object.entries(found)
    .sort(([, a], [, b]) => b - a)
    .map(([name, cases]) => `${String(cases).padStart(5)}  ${name}\n`);
  return lines.length === 0
    ? ''
    : `Not supported yet, and the cases that each keeps from running:\n${lines.join('')}`;
}

function leftOut({ leftOut: ids, categories }: Tally): string {
  if (ids.length === 0) return '';
  const counts = Object.entries(categories).flatMap(([name, { leftOut: count }]) =>
    count === 0 ? [] : [`${String(count).padStart(5)}  ${name}\n`],
  );
  return `Left out, since they take more than ${String(QUICK_MS / 1000)} s of real time (--slow runs them):\n${counts.join('')}`;
}

function failures({ failures: found }: Tally): string {
  return found.map(shownFailure).join('');
}

/** Characters of a difference; an output may have a megabyte. */
const SHOWN = 800;

function shownFailure({ id, level, difference, exception }: Failure): string {
  const text = difference.length > SHOWN ? `${difference.slice(0, SHOWN)}…` : difference;
  const head = exception === undefined ? id : `${id} (exception: ${exception})`;
  return `${head}\n  ${level}: ${text}\n`;
}

function passing({ passingExceptions }: Tally): string {
  return passingExceptions.map((id) => `${id}\n  is listed as an exception and passes\n`).join('');
}
