import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { BUGS, type Bug, isBug } from './bugs.js';

export interface Options {
  /** The first; the others follow. */
  seed: number;
  runs: number;
  bug: Bug | undefined;
  /** Processes that share the runs. */
  processes: number;
  /** Runs with complaints after which it ends. */
  failures: number;
  /** Prints all that happens in the first run. */
  trace: boolean;
  /** Leaves a run that fails as it is. */
  shrink: boolean;
}

export const USAGE = `npm run simulate -- [options]
  --seed N        the first seed (1)
  --runs M        so many seeds, from there on (1000)
  --bug NAME      with a bug put back: ${BUGS.join(', ')}
  --processes P   so many processes share the runs (one a core)
  --failures F    stop after so many seeds that fail (5)
  --trace         print all that happens in the one run of --seed
  --no-shrink     print a failing run as it is
`;

/** @throws Error when an option is unknown or makes no sense. */
export function readOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string', default: '1' },
      runs: { type: 'string' },
      bug: { type: 'string' },
      processes: { type: 'string', default: String(availableParallelism()) },
      failures: { type: 'string', default: '5' },
      trace: { type: 'boolean', default: false },
      'no-shrink': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const { bug, trace } = values;
  if (bug !== undefined && !isBug(bug)) throw new Error(`--bug is one of ${BUGS.join(', ')}, not '${bug}'`);
  return {
    seed: whole('seed', values.seed, 0),
    runs: trace ? 1 : whole('runs', values.runs ?? '1000', 1),
    bug,
    processes: whole('processes', values.processes, 1),
    failures: whole('failures', values.failures, 1),
    trace,
    shrink: !values['no-shrink'],
  };
}

function whole(name: string, text: string, least: number): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < least)
    throw new Error(`--${name} is a whole number from ${String(least)}, not '${text}'`);
  return number;
}
