/**
 * The life of an execution inside one worker, from the claim until it parks or ends. Read `advance`
 * downward: decide, commit, act, and wait for the world.
 *
 * 1. Nothing is acted on before the checkpoint that says so is committed.
 * 2. What happens while a commit is on its way is queued, and decided in one go afterwards.
 * 3. An activation holds its worker's slot only while a task is running. With nothing but timers left it
 *    parks, in the same statement as its last checkpoint.
 * 4. When it is told that the execution is not its own any more, it drops everything silently.
 */
import { createDeferred, type Deferred } from '../std/deferred.js';
import type { Effect, InvokeEffect } from './effects.js';
import type { HistoryEvent } from './events.js';
import type { AppendAnswer, Clock, FrameDelta, Inbox, Journal, Leave, Tasks } from './ports.js';
import { currentState, mergeDeltas, nextWakeAt, pendingInvocations, type Run, snapshotOf } from './run.js';
import { type Happening, step } from './step.js';

export interface ActivationOptions {
  run: Run;
  epoch: number;
  /** The seq of the last checkpoint; 0 before the first. */
  seq: number;
  /** How many signals the inbox has ever had, as of the claim. */
  inboxSeq: number;
  /** Text lengths of the last snapshot and of the checkpoints since, to decide when a new one pays. */
  snapshotBytes: number;
  tailBytes: number;
  ports: { journal: Journal; tasks: Tasks; clock: Clock; inbox: Inbox };
  /** The worker is shutting down: start no more tasks, hand the execution back when those under way end. */
  drain: AbortSignal;
  /** The shutdown's grace is over: abort the tasks under way and hand the execution back now. */
  abandon: AbortSignal;
}

/**
 * How it left: `ended`; `parked`; `woken` (parked, and runnable again at once, since a signal came in or
 * the worker handed it back: somebody should ring); `lost` (another owns it).
 */
export type ActivationEnd = 'ended' | 'parked' | 'woken' | 'lost';

interface Decision {
  events: HistoryEvent[];
  delta: FrameDelta | undefined;
  effects: Effect[];
}

/** `setTimeout` takes at most 2^31 - 1 ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class Activation {
  readonly #options: ActivationOptions;
  #run: Run;
  #seq: number;
  #tailBytes: number;
  #snapshotBytes: number;
  #inboxSeq: number;
  #unread: boolean;
  readonly #happened: Happening[] = [];
  readonly #calls = new Map<string, AbortController>();
  #news: Deferred<void> = createDeferred();

  constructor(options: ActivationOptions) {
    this.#options = options;
    this.#run = options.run;
    this.#seq = options.seq;
    this.#tailBytes = options.tailBytes;
    this.#snapshotBytes = options.snapshotBytes;
    this.#inboxSeq = options.run.meta.inboxSeq;
    this.#unread = options.inboxSeq > this.#inboxSeq;
  }

  /** Its frames as of the last commit. */
  get run(): Run {
    return this.#run;
  }

  /** The seq of its last checkpoint, with the text lengths that the next activation needs. */
  get position(): { seq: number; snapshotBytes: number; tailBytes: number } {
    return { seq: this.#seq, snapshotBytes: this.#snapshotBytes, tailBytes: this.#tailBytes };
  }

  /** Says that a signal may be in the inbox. */
  poke(): void {
    this.#unread = true;
    this.#news.resolve();
  }

  /**
   * Runs the execution until it parks or ends.
   * @returns how it left this worker.
   * @throws whatever the journal or the inbox throw when the database stays away: nothing is lost, and
   *   the execution can be taken up again from its last checkpoint.
   */
  async advance(): Promise<ActivationEnd> {
    const wakeUp = (): void => this.#news.resolve();
    this.#options.drain.addEventListener('abort', wakeUp);
    this.#options.abandon.addEventListener('abort', wakeUp);
    try {
      if (this.#seq === 0) this.#happened.push({ kind: 'start' });
      else if (!this.#options.drain.aborted) this.#call(pendingInvocations(this.#run));
      for (;;) {
        await this.#readInbox();
        const decision = await this.#decide();
        const leave = this.#leaveAfter(decision);
        const answer = await this.#commit(decision, leave);
        if (answer === 'lost') return 'lost';
        if (leave?.kind === 'ended') return 'ended';
        if (leave?.kind === 'parked') return answer === 'woken' || this.#handsBack() ? 'woken' : 'parked';
        this.#act(decision.effects);
        await this.#somethingHappens();
      }
    } finally {
      this.#options.drain.removeEventListener('abort', wakeUp);
      this.#options.abandon.removeEventListener('abort', wakeUp);
      for (const call of this.#calls.values()) call.abort();
      this.#calls.clear();
    }
  }

  async #readInbox(): Promise<void> {
    if (!this.#unread) return;
    this.#unread = false;
    for (const signal of await this.#options.ports.inbox.read(this.#run.about.executionId, this.#inboxSeq)) {
      this.#happened.push({ ...signal.data, kind: signal.kind });
      this.#inboxSeq = signal.seq;
    }
  }

  /** Folds in everything that has happened, and what the clock says is due. */
  async #decide(): Promise<Decision> {
    const decision: Decision = { events: [], delta: undefined, effects: [] };
    const { clock } = this.#options.ports;
    const dueAtMs = nextWakeAt(this.#run);
    if (dueAtMs !== undefined && dueAtMs <= clock.now()) this.#happened.push({ kind: 'tick' });
    for (const happening of this.#happened.splice(0)) {
      const taken = await step(this.#run, happening, clock.now());
      this.#run = taken.run;
      for (const event of taken.history) decision.events.push(event);
      decision.delta = decision.delta === undefined ? taken.delta : mergeDeltas(decision.delta, taken.delta);
      for (const effect of taken.effects) decision.effects.push(effect);
      if (taken.effects.some(({ kind }) => kind === 'end')) break;
      // An endless loop of pure states gives way to the clock, the inbox and its neighbours here.
      if (taken.more) this.#happened.push({ kind: 'tick' });
    }
    return decision;
  }

  /** Whether the execution leaves this worker with the coming commit, and how. */
  #leaveAfter({ effects }: Decision): Leave | undefined {
    const end = effects.find((effect) => effect.kind === 'end');
    if (end !== undefined) {
      const { kind: _, ...how } = end;
      return { kind: 'ended', inboxSeq: this.#inboxSeq, endTimeMs: this.#options.ports.clock.now(), ...how };
    }
    const { clock } = this.#options.ports;
    if (this.#options.abandon.aborted) return this.#park(clock.now());
    const cancelled = new Set(effects.flatMap((effect) => (effect.kind === 'cancel' ? [effect.key] : [])));
    const calling = [...this.#calls.keys()].some((key) => !cancelled.has(key));
    // Shutting down: what should be called now is left to the next owner, under the same keys.
    if (this.#options.drain.aborted && !calling && pendingInvocations(this.#run).length > 0) {
      return this.#park(clock.now());
    }
    if (calling || this.#happened.length > 0 || this.#unread) return undefined;
    if (effects.some(({ kind }) => kind === 'invoke')) return undefined;
    const wakeAtMs = nextWakeAt(this.#run);
    // Due already: one more turn is cheaper than a park and a claim.
    if (wakeAtMs !== undefined && wakeAtMs <= clock.now()) return undefined;
    return this.#park(wakeAtMs);
  }

  #park(wakeAtMs: number | undefined): Leave {
    const worthIt = this.#tailBytes > this.#snapshotBytes && this.#tailBytes > SMALL_TAIL;
    const snapshot = worthIt ? { seq: this.#seq + 1, text: snapshotOf(this.#run) } : undefined;
    return { kind: 'parked', inboxSeq: this.#inboxSeq, wakeAtMs, snapshot };
  }

  #handsBack(): boolean {
    const { drain, abandon } = this.#options;
    return abandon.aborted || (drain.aborted && pendingInvocations(this.#run).length > 0);
  }

  async #commit(decision: Decision, leave: Leave | undefined): Promise<AppendAnswer> {
    const { executionId } = this.#run.about;
    const { epoch } = this.#options;
    const state = currentState(this.#run);
    const changed =
      decision.delta !== undefined && (decision.events.length > 0 || hasChanges(decision.delta));
    if (!changed && leave === undefined) return 'committed';
    const checkpoint =
      changed && decision.delta !== undefined
        ? {
            executionId,
            seq: this.#seq + 1,
            epoch,
            firstEventId: decision.events[0]?.id ?? decision.delta.meta.nextEventId,
            eventCount: decision.events.length,
            events: JSON.stringify(decision.events),
            frames: JSON.stringify({
              ...decision.delta,
              meta: { ...decision.delta.meta, inboxSeq: this.#inboxSeq },
            }),
            currentState: state,
          }
        : undefined;
    const request = leave === undefined ? undefined : { executionId, epoch, currentState: state, leave };
    const answer = await this.#options.ports.journal.append(checkpoint, request);
    if (checkpoint !== undefined) {
      this.#seq = checkpoint.seq;
      this.#tailBytes += checkpoint.frames.length;
    }
    if (leave?.kind === 'parked' && leave.snapshot !== undefined) {
      this.#snapshotBytes = leave.snapshot.text.length;
      this.#tailBytes = 0;
    }
    return answer;
  }

  #act(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'cancel') {
        this.#calls.get(effect.key)?.abort(new Error('the task was cancelled or timed out'));
        this.#calls.delete(effect.key);
      }
    }
    if (this.#options.drain.aborted) return;
    this.#call(effects.filter((effect) => effect.kind === 'invoke'));
  }

  #call(invocations: readonly InvokeEffect[]): void {
    const { executionId, executionName, stateMachineId } = this.#run.about;
    for (const effect of invocations) {
      const call = new AbortController();
      this.#calls.set(effect.key, call);
      const about = { executionId, executionName, stateMachineId };
      void this.#options.ports.tasks.invoke(effect, about, call.signal).then((outcome) => {
        // Cancelled, timed out or abandoned meanwhile: nobody waits for this outcome.
        if (this.#calls.get(effect.key) !== call || call.signal.aborted) return;
        this.#calls.delete(effect.key);
        const { frameId, key } = effect;
        this.#happened.push(
          outcome.ok
            ? { kind: 'taskSucceeded', frameId, key, output: outcome.output }
            : { kind: 'taskFailed', frameId, key, error: outcome.error, cause: outcome.cause },
        );
        this.#news.resolve();
      });
    }
  }

  /** Resolves when there is something to decide: an outcome, a signal, a timer that is due, a shutdown. */
  async #somethingHappens(): Promise<void> {
    const { clock } = this.#options.ports;
    const { drain, abandon } = this.#options;
    if (
      this.#happened.length === 0 &&
      !this.#unread &&
      !abandon.aborted &&
      !(drain.aborted && this.#calls.size === 0)
    ) {
      const dueAtMs = nextWakeAt(this.#run);
      const timer =
        dueAtMs === undefined
          ? undefined
          : setTimeout(
              () => this.#news.resolve(),
              Math.min(LONGEST_TIMER_MS, Math.max(0, Math.ceil(dueAtMs - clock.now()))),
            );
      await this.#news.promise;
      clearTimeout(timer);
    }
    this.#news = createDeferred();
  }
}

/** A tail of a few checkpoints is read faster than a snapshot is written. */
const SMALL_TAIL = 8192;
function hasChanges(delta: FrameDelta): boolean {
  return delta.changed.length > 0 || delta.dropped.length > 0;
}
