import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { Fault } from './fault.js';
import { FAULTS } from './faults/index.js';

export interface ChaosOptions {
  /** All faults together take so long, in ms, besides the settling in between. */
  totalMs: number;
  faults: readonly Fault[];
  seed: number;
  perSecond: number;
  json: string | undefined;
  /** Write what the processes say to this file. */
  log: string | undefined;
}

export const USAGE = `npm run chaos -- [options]
  --minutes M     how long the faults take, all together (5); each has an equal part
  --only A,B      only these faults: ${FAULTS.map(({ name }) => name).join(', ')}
  --seed N        of the choice of victims and of what is started; when what happens is up to the machine
  --rate N        executions started a second, besides batches (20)
  --json FILE     writes the table as JSON, too
  --log FILE      writes what the processes say
`;

/** @throws Error when an option is unknown or makes no sense. */
export function readOptions(args: readonly string[]): ChaosOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '5' },
      only: { type: 'string' },
      seed: { type: 'string' },
      rate: { type: 'string', default: '20' },
      json: { type: 'string' },
      log: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const names = values.only?.split(',').map((name) => name.trim());
  const stranger = names?.find((name) => !FAULTS.some((fault) => fault.name === name));
  if (stranger !== undefined) throw new Error(`there is no fault '${stranger}'`);
  return {
    totalMs: positive('minutes', values.minutes) * 60_000,
    faults: FAULTS.filter(({ name }) => names?.includes(name) ?? true),
    seed: values.seed === undefined ? Date.now() % 1_000_000 : positive('seed', values.seed),
    perSecond: positive('rate', values.rate),
    json: values.json,
    log: values.log,
  };
}

function positive(name: string, text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number > 0) return number;
  throw new Error(`--${name} is '${text}'; expected a positive number`);
}

/** Numbers below 1 that follow from a seed. */
export function randomFrom(seed: number): () => number {
  let n = 0;
  return () => createHash('sha256').update(`${seed}/${n++}`).digest().readUInt32BE() / 2 ** 32;
}
