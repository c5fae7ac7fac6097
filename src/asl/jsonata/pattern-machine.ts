import type { Instruction, Program } from './pattern.js';

/** How many steps may still be taken. */
export interface Steps {
  left: number;
}

/**
 * The first match at or after a position, in the order in which RegExp tries; null: there is none;
 * 'exhausted': the steps have run out. No recursion but for lookaheads, so no text is too long.
 */
export function runPattern(
  program: Program,
  text: string,
  from: number,
  steps: Steps,
): RegExpExecArray | null | 'exhausted' {
  for (let start = from; start <= text.length; start += 1) {
    const machine: Machine = { program, text, steps, slots: new Array(program.slots).fill(-1), trail: [] };
    const ended = run(machine, 0, start);
    if (ended === 'exhausted') return ended;
    if (ended) return matchOf(machine);
  }
  return null;
}

interface Machine {
  program: Program;
  text: string;
  steps: Steps;
  slots: number[];
  /** What slots were before they changed, as pairs, to be undone on the way back. */
  trail: number[];
}

/** Whether the program matches from here; its slots then say what. */
function run(machine: Machine, first: number, from: number): boolean | 'exhausted' {
  const { instructions } = machine.program;
  const { text, steps, trail } = machine;
  // Where to go on when this way fails: instruction, position, length of the trail.
  const ways: number[] = [first, from, trail.length];
  while (ways.length > 0) {
    undo(machine, ways.pop() ?? 0);
    let position = ways.pop() ?? 0;
    let at = ways.pop() ?? 0;
    for (;;) {
      if (steps.left-- <= 0) return 'exhausted';
      const instruction = instructions[at] as Instruction;
      if (instruction.op === 'match') return true;
      if (instruction.op === 'unit') {
        if (position >= text.length || !instruction.test(text.charCodeAt(position))) break;
        position += 1;
        at += 1;
      } else if (instruction.op === 'split') {
        ways.push(instruction.second, position, trail.length);
        at = instruction.first;
      } else if (instruction.op === 'jump') {
        at = instruction.to;
      } else if (instruction.op === 'look') {
        const length = trail.length;
        const fits = run(machine, at + 1, position);
        if (fits === 'exhausted') return fits;
        if (fits === instruction.negative) break;
        if (instruction.negative) undo(machine, length);
        at = instruction.next;
      } else {
        const next = stepOver(machine, instruction, position);
        if (next < 0) break;
        position = next;
        at += 1;
      }
    }
  }
  return false;
}

type Simple = Exclude<Instruction, { op: 'match' | 'unit' | 'split' | 'jump' | 'look' }>;

/** The position after an instruction that leads to one place only; -1: it fails. */
function stepOver(machine: Machine, instruction: Simple, position: number): number {
  const { text, slots } = machine;
  switch (instruction.op) {
    case 'save':
      set(machine, instruction.slot, position);
      return position;
    case 'moved':
      return slots[instruction.slot] === position ? -1 : position;
    case 'forget':
      for (let slot = instruction.from; slot <= instruction.to; slot += 1) set(machine, slot, -1);
      return position;
    case 'backreference':
      return afterBackreference(machine, instruction, position);
    default:
      return holds(instruction.op, text, position) ? position : -1;
  }
}

function holds(
  op: 'start' | 'end' | 'lineStart' | 'lineEnd' | 'boundary' | 'noBoundary',
  text: string,
  at: number,
): boolean {
  switch (op) {
    case 'start':
      return at === 0;
    case 'end':
      return at === text.length;
    case 'lineStart':
      return at === 0 || endsLine(text[at - 1]);
    case 'lineEnd':
      return at === text.length || endsLine(text[at]);
    default:
      return (isWord(text[at - 1]) !== isWord(text[at])) === (op === 'boundary');
  }
}

function endsLine(unit: string | undefined): boolean {
  return unit === '\n' || unit === '\r' || unit === '\u2028' || unit === '\u2029';
}

function isWord(unit: string | undefined): boolean {
  return unit !== undefined && /\w/.test(unit);
}

/** A group that has matched nothing yet is matched by nothing. */
function afterBackreference(
  { text, slots, steps }: Machine,
  { group, fold }: { group: number; fold: boolean },
  position: number,
): number {
  const [from, to] = [slots[2 * group] ?? -1, slots[2 * group + 1] ?? -1];
  if (from < 0 || to < 0) return position;
  const wanted = text.slice(from, to);
  steps.left -= wanted.length;
  const found = text.slice(position, position + wanted.length);
  const same = fold ? found.toUpperCase() === wanted.toUpperCase() : found === wanted;
  return same ? position + wanted.length : -1;
}

function set({ slots, trail }: Machine, slot: number, value: number): void {
  trail.push(slot, slots[slot] ?? -1);
  slots[slot] = value;
}

function undo({ slots, trail }: Machine, length: number): void {
  while (trail.length > length) {
    const before = trail.pop() ?? -1;
    slots[trail.pop() ?? 0] = before;
  }
}

function matchOf({ program, text, slots }: Machine): RegExpExecArray {
  const texts: (string | undefined)[] = [];
  for (let group = 0; group <= program.groups; group += 1) {
    const [from, to] = [slots[2 * group] ?? -1, slots[2 * group + 1] ?? -1];
    texts.push(from < 0 || to < 0 ? undefined : text.slice(from, to));
  }
  return Object.assign(texts as [string, ...string[]], { index: slots[0] ?? 0, input: text });
}
