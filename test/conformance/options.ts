import { parseArgs } from 'node:util';
import { isLevel, LEVELS, type Level } from './levels.js';
import { QUICK_MS } from './through.js';

export interface Options {
  /** Undefined: the corpus beside the project. */
  cases: string | undefined;
  /** The one category to run; undefined: all. */
  category: string | undefined;
  /** Part of the ids to run; empty: all. */
  id: string;
  level: Level;
  through: 'memory' | 'http';
  /** Through HTTP: also cases that take long. */
  slow: boolean;
  /** Where the tally goes as JSON; undefined: nowhere. */
  json: string | undefined;
}

export const USAGE = `npm run conformance -- [options]
  --cases DIR      a directory with aws/*.json or *.json (../shared/conformance)
  --category NAME  only this category
  --id PART        only cases with this in their id
  --level LEVEL    how much to compare: ${LEVELS.join(', ')} (events)
  --through http   through a service: API, worker and PostgreSQL as processes (memory: the language alone)
  --slow           through http: also cases that take more than ${QUICK_MS / 1000} s
  --json FILE      write the figures and differences there too
`;

/** @throws Error when an option is unknown or makes no sense. */
export function readOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cases: { type: 'string' },
      category: { type: 'string' },
      id: { type: 'string', default: '' },
      level: { type: 'string', default: 'events' },
      through: { type: 'string', default: 'memory' },
      slow: { type: 'boolean', default: false },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const { cases, category, id, level, through, slow, json } = values;
  if (!isLevel(level)) throw new Error(`--level is one of ${LEVELS.join(', ')}, not '${level}'`);
  if (through !== 'memory' && through !== 'http')
    throw new Error(`--through is memory or http, not '${through}'`);
  if (slow && through === 'memory')
    throw new Error('--slow is for --through http; in memory nothing takes long');
  return { cases, category, id, level, through, slow, json };
}
