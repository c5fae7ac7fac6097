/**
 * A regular expression as a program for `pattern-machine`. Takes what RegExp has accepted without the flags
 * `u`, `v` and `s`, which the library never sets.
 */
export type Instruction =
  /** One code unit for which `test` holds. */
  | { op: 'unit'; test: (unit: number) => boolean }
  /** Goes on at `first`; when that fails, at `second`. */
  | { op: 'split'; first: number; second: number }
  | { op: 'jump'; to: number }
  /** Keeps the position in a slot: the bounds of a group, the start of a repetition. */
  | { op: 'save'; slot: number }
  /** Fails if the position is still what the slot has: a repetition that matched nothing. */
  | { op: 'moved'; slot: number }
  /** Forgets what groups have matched, as every repetition does with those inside it. */
  | { op: 'forget'; from: number; to: number }
  | { op: 'start' | 'end' | 'lineStart' | 'lineEnd' | 'boundary' | 'noBoundary' }
  | { op: 'backreference'; group: number; fold: boolean }
  /** What follows up to `match` must match here, or must not; then goes on at `next`. */
  | { op: 'look'; negative: boolean; next: number }
  | { op: 'match' };

export interface Program {
  instructions: readonly Instruction[];
  groups: number;
  slots: number;
}

/** The pattern has something that the machine does not know, or is too large for it. */
export class PatternUnsupported extends Error {
  override readonly name = 'PatternUnsupported';
}

const MAX_INSTRUCTIONS = 20_000;
const MAX_DEPTH = 200;

/** Throws PatternUnsupported. */
export function compilePattern(pattern: RegExp): Program {
  const groups = countGroups(pattern.source);
  const compiler: Compiler = {
    source: pattern.source,
    at: 0,
    depth: 0,
    group: 0,
    fold: pattern.ignoreCase,
    lines: pattern.multiline,
    slots: 2 * (groups + 1),
    groups,
  };
  const body = readAlternatives(compiler);
  if (compiler.at < compiler.source.length) throw new PatternUnsupported('there is more than was read');
  const instructions: Instruction[] = [{ op: 'save', slot: 0 }];
  place(instructions, body);
  instructions.push({ op: 'save', slot: 1 }, { op: 'match' });
  return { instructions, groups, slots: compiler.slots };
}

interface Compiler {
  readonly source: string;
  at: number;
  depth: number;
  /** The number of the last group that was opened. */
  group: number;
  readonly fold: boolean;
  readonly lines: boolean;
  slots: number;
  readonly groups: number;
}

/** Instructions whose targets count from the block's own start. */
type Block = Instruction[];

function readAlternatives(compiler: Compiler): Block {
  compiler.depth += 1;
  if (compiler.depth > MAX_DEPTH) throw new PatternUnsupported('it nests too deep');
  const branches = [readSequence(compiler)];
  while (compiler.source[compiler.at] === '|') {
    compiler.at += 1;
    branches.push(readSequence(compiler));
  }
  compiler.depth -= 1;
  return branches.reduceRight((rest, branch) => either(branch, rest));
}

function readSequence(compiler: Compiler): Block {
  const block: Block = [];
  while (compiler.at < compiler.source.length) {
    const next = compiler.source[compiler.at];
    if (next === '|' || next === ')') break;
    const before = compiler.group;
    const atom = readAtom(compiler);
    place(block, readRepetition(compiler, atom, before + 1, compiler.group));
  }
  return block;
}

function readAtom(compiler: Compiler): Block {
  const { source } = compiler;
  const sign = source[compiler.at];
  if (sign === '(') return readGroup(compiler);
  if (sign === '^' || sign === '$') {
    compiler.at += 1;
    if (compiler.lines) return [{ op: sign === '^' ? 'lineStart' : 'lineEnd' }];
    return [{ op: sign === '^' ? 'start' : 'end' }];
  }
  if (sign === '\\') return readEscape(compiler);
  if (sign === '[') return [unit(compiler, take(compiler, /\[(?:[^\]\\]|\\[\s\S])*\]/y))];
  return [unit(compiler, take(compiler, /[\s\S]/y))];
}

function readGroup(compiler: Compiler): Block {
  const opening = take(compiler, /\((?:\?(?:[:=!]|<[=!]|<[^>]*>))?/y);
  if (opening === '(?<=' || opening === '(?<!') throw new PatternUnsupported('it looks behind');
  const captures = opening === '(' || opening.startsWith('(?<');
  const number = captures ? ++compiler.group : 0;
  const body = readAlternatives(compiler);
  if (compiler.source[compiler.at] !== ')') throw new PatternUnsupported('a group is not closed');
  compiler.at += 1;
  if (opening === '(?=' || opening === '(?!') {
    const block: Block = [{ op: 'look', negative: opening === '(?!', next: body.length + 2 }];
    place(block, [...body, { op: 'match' }]);
    return block;
  }
  if (!captures) return body;
  const block: Block = [{ op: 'save', slot: 2 * number }];
  place(block, body);
  block.push({ op: 'save', slot: 2 * number + 1 });
  return block;
}

function readEscape(compiler: Compiler): Block {
  const { source, at } = compiler;
  const next = source[at + 1] ?? '';
  if (next === 'b' || next === 'B') {
    compiler.at += 2;
    return [{ op: next === 'b' ? 'boundary' : 'noBoundary' }];
  }
  if (next === 'k' && source.includes('(?<')) throw new PatternUnsupported('it refers to a group by name');
  if (/[1-9]/.test(next)) {
    const group = Number(take(compiler, /\\\d+/y).slice(1));
    if (group > compiler.groups) throw new PatternUnsupported('it has an octal escape');
    return [{ op: 'backreference', group, fold: compiler.fold }];
  }
  return [unit(compiler, take(compiler, /\\(?:x[\da-fA-F]{2}|u[\da-fA-F]{4}|c[A-Za-z]|[\s\S])/y))];
}

/** RegExp itself decides on each code unit, once; what it says is kept. */
function unit({ fold }: Compiler, written: string): Instruction {
  const pattern = new RegExp(`^(?:${written})$`, fold ? 'i' : '');
  const known = new Map<number, boolean>();
  return {
    op: 'unit',
    test: (code) => {
      let fits = known.get(code);
      if (fits === undefined) {
        fits = pattern.test(String.fromCharCode(code));
        known.set(code, fits);
      }
      return fits;
    },
  };
}

function readRepetition(compiler: Compiler, atom: Block, from: number, to: number): Block {
  const written = takeIf(compiler, /(?:[*+?]|\{\d+(?:,\d*)?\})\??/y);
  if (written === undefined) return atom;
  const lazy = written.length > 1 && written.endsWith('?');
  const [least, most] = boundsOf(lazy ? written.slice(0, -1) : written);
  const body: Block = from <= to ? [{ op: 'forget', from: 2 * from, to: 2 * to + 1 }] : [];
  place(body, atom);
  const block: Block = [];
  for (let count = 0; count < least; count += 1) place(block, body);
  if (most === Number.POSITIVE_INFINITY) place(block, loop(compiler, body, lazy));
  else {
    let rest: Block = [];
    for (let count = least; count < most; count += 1) rest = option(compiler, [...body], rest, lazy);
    place(block, rest);
  }
  return block;
}

function boundsOf(written: string): [least: number, most: number] {
  if (written === '*') return [0, Number.POSITIVE_INFINITY];
  if (written === '+') return [1, Number.POSITIVE_INFINITY];
  if (written === '?') return [0, 1];
  const [least = '0', most] = written.slice(1, -1).split(',');
  if (most === '') return [Number(least), Number.POSITIVE_INFINITY];
  return [Number(least), Number(most ?? least)];
}

function loop(compiler: Compiler, body: Block, lazy: boolean): Block {
  const slot = compiler.slots++;
  const [inside, after] = [1, body.length + 4];
  const block: Block = [split(inside, after, lazy), { op: 'save', slot }];
  place(block, body);
  block.push({ op: 'moved', slot }, { op: 'jump', to: 0 });
  return block;
}

/** The body at most once, and with it the rest. */
function option(compiler: Compiler, body: Block, rest: Block, lazy: boolean): Block {
  const slot = compiler.slots++;
  const block: Block = [split(1, body.length + rest.length + 3, lazy), { op: 'save', slot }];
  place(block, body);
  block.push({ op: 'moved', slot });
  place(block, rest);
  return block;
}

function split(inside: number, after: number, lazy: boolean): Instruction {
  return lazy ? { op: 'split', first: after, second: inside } : { op: 'split', first: inside, second: after };
}

function either(branch: Block, rest: Block): Block {
  const block: Block = [{ op: 'split', first: 1, second: branch.length + 2 }];
  place(block, branch);
  block.push({ op: 'jump', to: branch.length + rest.length + 2 });
  place(block, rest);
  return block;
}

/** Appends a block; its targets are moved to where it stands now. */
function place(block: Block, part: readonly Instruction[]): void {
  const by = block.length;
  if (by + part.length > MAX_INSTRUCTIONS) throw new PatternUnsupported('it is too large');
  for (const one of part) {
    if (one.op === 'split') block.push({ ...one, first: one.first + by, second: one.second + by });
    else if (one.op === 'jump') block.push({ ...one, to: one.to + by });
    else if (one.op === 'look') block.push({ ...one, next: one.next + by });
    else block.push(one);
  }
}

function take(compiler: Compiler, pattern: RegExp): string {
  const found = takeIf(compiler, pattern);
  if (found === undefined) throw new PatternUnsupported('it cannot be read');
  return found;
}

function takeIf(compiler: Compiler, pattern: RegExp): string | undefined {
  pattern.lastIndex = compiler.at;
  const found = pattern.exec(compiler.source)?.[0];
  if (found !== undefined) compiler.at += found.length;
  return found;
}

function countGroups(source: string): number {
  const signs = source.replace(/\\[\s\S]/g, 'x').replace(/\[(?:[^\]\\]|\\[\s\S])*\]/g, 'x');
  return signs.match(/\((?!\?)|\(\?<(?![=!])/g)?.length ?? 0;
}
