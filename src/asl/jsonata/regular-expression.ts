import { compilePattern, PatternUnsupported, type Program } from './pattern.js';
import { runPattern, type Steps } from './pattern-machine.js';

/** A regular expression has taken too long over a text. */
export class TooManySteps extends Error {
  override readonly name = 'TooManySteps';
}

/**
 * What the library uses for regular expressions instead of RegExp, which cannot be stopped: one that
 * backtracks badly keeps the process busy for years.
 *
 * 1. RegExp itself matches where the worst case is known to be quick: few unbounded repetitions, none
 *    within another, and a short text.
 * 2. Else a machine of our own does, which backtracks as RegExp does but counts its steps, and gives up.
 * 3. What that machine does not know (looking behind, `\p`) is matched by RegExp in short texts, else refused.
 */
export class SteppedRegExp {
  lastIndex = 0;
  readonly #native: RegExp;
  readonly #known: Known;
  readonly #steps: Steps = { left: MAX_STEPS };

  constructor(pattern: RegExp) {
    this.#native = new RegExp(pattern);
    this.#known = knownOf(pattern);
  }

  exec(text: string): RegExpExecArray | null {
    const { risk } = this.#known;
    if (isQuick(risk, text.length)) return this.#execNative(text);
    this.#known.program ??= programOf(this.#native);
    const { program } = this.#known;
    if (program === 'unsupported') {
      if (text.length <= SHORT && !risk.nested) return this.#execNative(text);
      throw new TooManySteps(
        `The regular expression ${String(this.#native)} may take too long over this text.`,
      );
    }
    const found = runPattern(program, text, this.lastIndex, this.#steps);
    if (found === 'exhausted') {
      throw new TooManySteps(`The regular expression ${String(this.#native)} took too many steps.`);
    }
    this.lastIndex = found === null ? 0 : found.index + found[0].length;
    return found;
  }

  #execNative(text: string): RegExpExecArray | null {
    this.#native.lastIndex = this.lastIndex;
    const found = this.#native.exec(text);
    this.lastIndex = this.#native.lastIndex;
    return found;
  }
}

/** What has been found out about a pattern. The library makes a matcher for every evaluation, from the same pattern. */
interface Known {
  risk: Risk;
  program?: Program | 'unsupported';
}

const KNOWN = new WeakMap<RegExp, Known>();

function knownOf(pattern: RegExp): Known {
  let known = KNOWN.get(pattern);
  if (known === undefined) {
    known = { risk: riskOf(pattern.source) };
    KNOWN.set(pattern, known);
  }
  return known;
}

function programOf(pattern: RegExp): Program | 'unsupported' {
  try {
    return compilePattern(pattern);
  } catch (error) {
    if (error instanceof PatternUnsupported) return 'unsupported';
    throw error;
  }
}

/** About a tenth of a second, for all matches of one expression in one evaluation of it. */
const MAX_STEPS = 4_000_000;
/** What RegExp may need at worst, in its own, much faster steps. */
const MAX_NATIVE_STEPS = 30_000_000;
const SHORT = 200;
/** Each may double the time. */
const MAX_CHOICES = 12;

interface Risk {
  /** How many repetitions there are without an upper bound. */
  unbounded: number;
  /** A group is repeated, something refers back, or there are many choices: time may grow exponentially. */
  nested: boolean;
}

/** Read off the text, erring on the side of risk: an escaped or bracketed sign may count as one. */
function riskOf(source: string): Risk {
  const signs = source.replace(/\\[^1-9k]/g, 'x').replace(/\[(?:[^\]\\]|\\.)*\]/g, 'x');
  const unbounded = signs.match(/[*+]|\{\d+,\d*\}/g)?.length ?? 0;
  const choices = signs.match(/\||(?<!\()\?/g)?.length ?? 0;
  const nested = /\)(?:[*+]|\{)|\\[1-9k]/.test(signs) || choices > MAX_CHOICES;
  return { unbounded, nested };
}

function isQuick({ unbounded, nested }: Risk, length: number): boolean {
  return (
    !nested && length ** (unbounded + 1) <= (unbounded === 0 ? Number.POSITIVE_INFINITY : MAX_NATIVE_STEPS)
  );
}
