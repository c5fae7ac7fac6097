/** Makes the faults of a scenario happen. */
import type { RingFate } from './broker.js';
import type { Fate, Server } from './postgres/server.js';
import type { Random } from './random.js';
import type { Fault, StatementKind } from './scenario.js';
import type { Workers } from './workers.js';
import { BEGIN_MS, type Proc, type World } from './world.js';

type OfStatement = Extract<Fault, { of: StatementKind }>;

export class Faults {
  readonly #world: World;
  readonly #faults: readonly Fault[];
  readonly #random: Random;
  readonly #counts: Record<StatementKind, number> = { FLUSH: 0, CLAIM: 0, other: 0 };
  #workers: Workers | undefined;

  constructor(world: World, faults: readonly Fault[], random: Random) {
    this.#world = world;
    this.#faults = faults;
    this.#random = random;
  }

  skewOf(worker: number): number {
    const fault = this.#faults.find((one) => one.kind === 'skew' && one.worker === worker);
    return fault?.kind === 'skew' ? fault.ms : 0;
  }

  /** Those that have their time. */
  schedule(server: Server, workers: Workers, flushQueue: (downMs: number) => void): void {
    this.#workers = workers;
    for (const fault of this.#faults) {
      if (!('atMs' in fault)) continue;
      this.#world.after(fault.atMs, undefined, () => {
        const proc = 'worker' in fault ? workers.procOf(fault.worker) : undefined;
        if (fault.kind === 'outage') server.restart(fault.downMs);
        else if (fault.kind === 'redis') flushQueue(fault.downMs);
        else if (fault.kind === 'term') workers.terminate(fault.worker);
        else if (proc === undefined) return;
        else if (fault.kind === 'kill') workers.kill(proc, fault.backMs);
        else if (fault.kind === 'freeze') this.#world.freeze(proc, fault.frozenMs);
        else if (fault.kind === 'deaf') server.deafen(proc);
      });
    }
  }

  readonly ringFate = (nth: number): RingFate => {
    for (const fault of this.#faults)
      if (fault.kind === 'bell' && fault.nth === nth)
        return fault.fate === 'late' ? { lateMs: fault.lateMs } : fault.fate;
    return 'heard';
  };

  readonly fateOf = (proc: Proc, of: string): Fate => {
    const random = this.#random;
    const fate: Fate = {
      requestMs: 0.1 + random.next(),
      commitMs: of === 'FLUSH' || random.chance(0.1) ? random.next() * 3 : 0,
      replyMs: 0.1 + random.next(),
      end: 'answered',
    };
    if (!proc.name.startsWith('worker')) return fate;
    if (this.#isCut(proc)) {
      fate.end = 'unsent';
      return fate;
    }
    if (of === 'beat' || of === 'registerWorker') return fate;
    const kind = of === 'FLUSH' || of === 'CLAIM' ? of : 'other';
    const nth = this.#counts[kind]++;
    for (const fault of this.#faults)
      if ('of' in fault && fault.of === kind && fault.nth === nth) this.#apply(fault, fate, proc, of);
    return fate;
  };

  #isCut(proc: Proc): boolean {
    const sinceMs = this.#world.nowMs - BEGIN_MS;
    return this.#faults.some(
      (fault) =>
        fault.kind === 'cut' &&
        this.#workers?.procOf(fault.worker) === proc &&
        sinceMs >= fault.atMs &&
        sinceMs < fault.atMs + fault.downMs,
    );
  }

  #apply(fault: OfStatement, fate: Fate, proc: Proc, of: string): void {
    const world = this.#world;
    world.note(`fault: ${JSON.stringify(fault)} hits ${of} of ${proc.name}`);
    switch (fault.kind) {
      case 'crash': {
        const kill = (): void => this.#workers?.kill(proc, fault.backMs);
        if (fault.when === 'before') {
          fate.end = 'unsent';
          fate.onSent = kill;
        } else fate.onCommitted = kill;
        return;
      }
      case 'zombie':
        fate.commitMs = fault.commitMs;
        fate.untilTailIsRead = fault.untilTailIsRead;
        fate.onSent = () => world.after(0.01, undefined, () => world.freeze(proc, fault.frozenMs));
        return;
      case 'slow':
        fate.commitMs = fault.commitMs;
        fate.untilTailIsRead = fault.untilTailIsRead;
        return;
      case 'late':
        fate.end = 'late';
        fate.commitMs = fault.commitMs;
        return;
      default:
        fate.end = fault.kind;
    }
  }
}
