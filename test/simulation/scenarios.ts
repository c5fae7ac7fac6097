/** A scenario for a seed: workflows, what comes from outside, and faults, each from dice of its own. */
import { Random } from './random.js';
import type { Act, Fault, Root, Scenario, Sending, StatementKind } from './scenario.js';
import { type Child, makeWorkflow } from './workflows.js';

/** Faults happen in the beginning; afterwards the world is quiet, and everything has to come to its end. */
export const TROUBLE_MS = 30_000;

export function makeScenario(seed: number): Scenario {
  const random = new Random(seed);
  const deterministic = random.chance(0.5);
  const machines: Scenario['machines'] = {};
  const children: Child[] = [];
  let races = false;
  for (let n = random.between(0, 2); n > 0; n--) {
    const made = makeWorkflow({
      random: random.fork(`child ${String(n)}`),
      deterministic,
      children,
      isRoot: false,
    });
    const machine = `child-${String(n)}`;
    machines[machine] = made.definition;
    children.push({ machine, fails: made.fails });
    races ||= made.races;
  }
  const root = makeWorkflow({ random: random.fork('root'), deterministic, children, isRoot: true });
  machines['root'] = root.definition;
  const roots: Root[] = Array.from({ length: random.between(1, 3) }, (_, n) => ({
    machine: 'root',
    name: `root-${String(n)}`,
    v: random.between(0, 2_000),
    atMs: n === 0 ? 0 : random.between(0, 3_000),
  }));
  const messages: Sending[] = roots.flatMap(({ name }) =>
    root.messages.map((key) => ({
      root: name,
      key,
      v: random.between(0, 999),
      atMs: random.between(0, 12_000),
    })),
  );
  const workers = random.chance(0.15) ? 1 : random.between(2, 3);
  return {
    seed,
    deterministic: deterministic && !races && !root.races,
    workers,
    concurrency: random.pick([1, 2, 4]),
    machines,
    roots,
    messages,
    acts: makeActs(random.fork('acts'), roots, deterministic),
    faults: makeFaults(random.fork('faults'), workers),
  };
}

function makeActs(random: Random, roots: readonly Root[], deterministic: boolean): Act[] {
  return roots.flatMap(({ name }): Act[] => {
    const acts: Act[] = [{ kind: 'redrive', root: name }];
    const atMs = random.between(0, 8_000);
    if (random.chance(0.2)) acts.push({ kind: 'pause', root: name, atMs, forMs: random.between(50, 5_000) });
    if (!deterministic && random.chance(0.25))
      acts.push({ kind: 'stop', root: name, atMs: random.between(0, 15_000) });
    return acts;
  });
}

function makeFaults(random: Random, workers: number): Fault[] {
  return Array.from({ length: random.between(1, 6) }, () => makeFault(random, workers));
}

function makeFault(random: Random, workers: number): Fault {
  const of = random.pick<StatementKind>(['FLUSH', 'FLUSH', 'FLUSH', 'CLAIM', 'other']);
  const nth = random.between(0, of === 'other' ? 60 : 14);
  const worker = random.between(0, workers - 1);
  const atMs = random.between(0, random.chance(0.5) ? 4_000 : TROUBLE_MS);
  const backMs = random.between(100, 8_000);
  const frozenMs = random.between(500, random.chance(0.6) ? 28_000 : 9_000);
  const commitMs = random.between(10, random.chance(0.5) ? 27_000 : 500);
  const untilTailIsRead = random.chance(0.6);
  switch (random.between(0, 18)) {
    case 0:
    case 1:
      return { kind: 'crash', of, nth, when: 'before', backMs };
    case 2:
    case 3:
      return { kind: 'crash', of, nth, when: 'after', backMs };
    case 4:
      return { kind: 'kill', worker, atMs, backMs };
    case 5:
    case 6:
    case 7:
      return makeZombie(random, nth);
    case 18:
      return { kind: 'freeze', worker, atMs, frozenMs };
    case 8:
      return { kind: 'slow', of, nth, commitMs, untilTailIsRead };
    case 9:
      return { kind: random.pick(['unsent', 'unanswered', 'refused'] as const), of, nth };
    case 10:
      return { kind: 'late', of, nth, commitMs };
    case 11:
      return { kind: 'outage', atMs, downMs: random.between(10, 9_000) };
    case 12:
      return { kind: 'cut', worker, atMs, downMs: random.between(500, 20_000) };
    case 13:
      return { kind: 'redis', atMs, downMs: random.between(10, 9_000) };
    case 14:
      return random.chance(0.5)
        ? { kind: 'bell', nth: random.between(0, 12), fate: random.pick(['lost', 'doubled'] as const) }
        : { kind: 'bell', nth: random.between(0, 12), fate: 'late', lateMs: random.between(1, 9_000) };
    case 15:
      return { kind: 'deaf', worker, atMs };
    case 16:
      return { kind: 'skew', worker, ms: random.pick([-300_000, 300_000, 1_500, -1_500]) };
    default:
      return { kind: 'term', worker, atMs };
  }
}

/** Most are dead for the others by the time they go on, and their commit comes in about when a successor takes over. */
function makeZombie(random: Random, nth: number): Fault {
  const frozenMs = random.between(random.chance(0.8) ? 14_000 : 500, 29_000);
  const commitMs = random.between(random.chance(0.8) ? 14_000 : 10, 28_000);
  return { kind: 'zombie', of: 'FLUSH', nth, frozenMs, commitMs, untilTailIsRead: random.chance(0.8) };
}
