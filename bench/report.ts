import type { Sample, Table } from './contender.js';
import type { Measured } from './rounds.js';
import { median } from './statistics.js';

/** The tables, in Markdown, so that they can be put into docs/performance.md as they are. */
export function report(all: readonly Measured[]): string {
  const parts = TABLES.map(({ table, title }) => {
    const rows = all.filter(({ contender }) => contender.table === table);
    return rows.length === 0 ? '' : `\n${title}\n\n${tableOf(rows, table)}`;
  });
  return `${parts.join('')}${voids(all)}`;
}

const TABLES: readonly { table: Table; title: string }[] = [
  { table: 'executions', title: 'Executions per second' },
  { table: 'starts', title: 'Starting executions over HTTP' },
  { table: 'latency', title: 'Start to end of one execution, on an idle system' },
];

interface Column {
  title: string;
  cell: (measured: Measured) => string;
}

function tableOf(rows: readonly Measured[], table: Table): string {
  const columns: Column[] = [{ title: 'way', cell: ({ contender }) => contender.name }];
  if (table !== 'latency') {
    const reference = rows.find(({ contender }) => contender.isReference === true);
    const per = medianOf(reference, (sample) => sample.perSecond);
    columns.push(
      {
        title: 'per second',
        cell: (row) =>
          number(
            medianOf(row, (sample) => sample.perSecond),
            0,
          ),
      },
      { title: 'min–max', cell: (row) => range(row, (sample) => sample.perSecond, 0) },
      { title: '× naive', cell: (row) => number(medianOf(row, (sample) => sample.perSecond) / per, 2) },
    );
  }
  if (table === 'executions') {
    columns.push(
      { title: 'CPU ms each: Node + PostgreSQL + Redis', cell: cpuOf },
      {
        title: 'history, bytes a state',
        cell: (row) =>
          number(
            medianOf(row, (sample) => sample.historyBytesPerState),
            0,
          ),
      },
    );
  } else {
    columns.push(
      {
        title: 'p50 ms',
        cell: (row) =>
          number(
            medianOf(row, (sample) => sample.p50Ms),
            1,
          ),
      },
      {
        title: 'p99 ms',
        cell: (row) =>
          number(
            medianOf(row, (sample) => sample.p99Ms),
            1,
          ),
      },
      { title: 'p99 min–max', cell: (row) => range(row, (sample) => sample.p99Ms, 1) },
    );
  }
  const lines = [
    columns.map(({ title }) => title),
    columns.map((_, n) => (n === 0 ? '---' : '---:')),
    ...rows.map((row) => columns.map(({ cell }) => cell(row))),
  ];
  return `${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`;
}

type Pick = (sample: Sample) => number | undefined;

function valuesOf(measured: Measured | undefined, pick: Pick): number[] {
  return (measured?.samples ?? []).flatMap((sample) => pick(sample) ?? []);
}

function medianOf(measured: Measured | undefined, pick: Pick): number {
  return median(valuesOf(measured, pick));
}

function cpuOf(row: Measured): string {
  const part = (pick: Pick): string => number(medianOf(row, pick), 2);
  const parts = [
    part((sample) => sample.cpuMs?.node),
    part((sample) => sample.cpuMs?.postgres),
    part((sample) => sample.cpuMs?.redis),
  ];
  return parts.includes('') ? '' : parts.join(' + ');
}

function range(measured: Measured, pick: Pick, digits: number): string {
  const values = valuesOf(measured, pick);
  if (values.length === 0) return '';
  return `${number(Math.min(...values), digits)}–${number(Math.max(...values), digits)}`;
}

function number(value: number, digits: number): string {
  if (!Number.isFinite(value)) return '';
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function voids(all: readonly Measured[]): string {
  const lines = all.flatMap(({ contender, voids }) =>
    voids.map((why) => `void: ${contender.name}: ${why}\n`),
  );
  return lines.length === 0 ? '' : `\n${lines.join('')}`;
}
