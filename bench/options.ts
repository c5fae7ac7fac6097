import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** Measure the language alone, instead of the service. */
  language: boolean;
  /** Measure how cost grows with size, instead. */
  growth: boolean;
  /** Of growth: how many executions a service is looked at after; 0: that is left out. */
  executions: number;
  /** How often everything is measured, in turns; the median counts. */
  rounds: number;
  /** Multiplies how many executions and requests a measurement has. */
  scale: number;
  /** Parts of names: only what has one of them is measured. Empty: everything. */
  only: readonly string[];
  /** Settings for our own processes, as in the environment. */
  env: Readonly<Record<string, string>>;
  /** Where our processes leave their CPU profiles when they end; undefined: nowhere. */
  cpuProfiles: string | undefined;
  /** Show which statements the database spends its time on, after each measurement of ours. */
  statements: boolean;
}

export const USAGE = `npm run bench -- [language | growth] [options]
  language              the language alone: no service, no servers; takes --quick, --rounds (9) and --only
  growth                how cost grows with the size of an execution and with their number; takes --executions and --only
  --executions N        of growth: a service is looked at after so many (50000); 0: not at all
  --quick               one round, a fifth of the work
  --rounds N            how often everything is measured (3)
  --scale F             multiplies the work of each measurement (1)
  --only PART           only what has this in its name, e.g. --only 'distributed, 2'; repeatable
  --env NAME=VALUE      a setting for our processes, e.g. --env CONCURRENCY=200; repeatable
  --cpu-profiles DIR    our processes write their CPU profiles there
  --statements          the database's time by statement (pg_stat_statements)
`;

/** @throws Error when an option is unknown or makes no sense. */
export function readOptions(args: readonly string[]): BenchOptions | 'help' {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      executions: { type: 'string', default: '50000' },
      scale: { type: 'string' },
      only: { type: 'string', multiple: true, default: [] },
      env: { type: 'string', multiple: true, default: [] },
      'cpu-profiles': { type: 'string' },
      statements: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const stranger = positionals.find((word) => word !== 'language' && word !== 'growth');
  if (stranger !== undefined)
    throw new Error(`there is no bench '${stranger}'; expected 'language', 'growth' or none`);
  const language = positionals.includes('language');
  const rounds = values.rounds ?? (values.quick ? '1' : language ? '9' : '3');
  return {
    language,
    growth: positionals.includes('growth'),
    executions: values.executions === '0' ? 0 : Math.floor(positive('executions', values.executions)),
    rounds: Math.max(1, Math.floor(positive('rounds', rounds))),
    scale: positive('scale', values.scale ?? (values.quick ? '0.2' : '1')),
    only: values.only,
    env: Object.fromEntries(values.env.map(readSetting)),
    cpuProfiles: values['cpu-profiles'],
    statements: values.statements,
  };
}

function positive(name: string, text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number > 0) return number;
  throw new Error(`--${name} is '${text}'; expected a positive number`);
}

function readSetting(text: string): [string, string] {
  const cut = text.indexOf('=');
  if (cut > 0) return [text.slice(0, cut), text.slice(cut + 1)];
  throw new Error(`--env has '${text}'; expected NAME=VALUE`);
}
