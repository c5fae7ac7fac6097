/**
 * The life of an execution inside one worker, from the claim until it parks or ends. Read `advance`
 * downward: decide, commit, act, and wait for the world.
 *
 * 1. Nothing is acted on before the checkpoint that says so is committed.
 * 2. What happens while a commit is on its way is queued, and decided in one go afterwards.
 * 3. An activation holds its worker's slot only while a task is running. With nothing but timers left it
 *    parks, in the same statement as its last checkpoint.
 * 4. While its execution is paused it makes no call, and hands back when those under way have ended.
 * 5. When it is told that the execution is not its own any more, it drops everything silently.
 */
import { createDeferred, type Deferred } from '../std/deferred.js';
import type { Effect, InvokeEffect } from './effects.js';
import type {
  AppendAnswer,
  Clock,
  ExecutionAbout,
  Inbox,
  Journal,
  Leave,
  TaskCall,
  TaskOutcome,
  Tasks,
} from './ports.js';
import {
  applyDelta,
  currentState,
  nextWakeAt,
  overdueWaits,
  pendingInvocations,
  type Run,
  snapshotOf,
} from './run.js';
import { type Happening, isEmpty, mergeAllSteps, type Step, step } from './step.js';

export interface ActivationOptions {
  run: Run;
  /** Of the machine. */
  version: number;
  /** Where the execution's doorbell is. */
  queue: string;
  epoch: number;
  /** The seq of the last checkpoint; 0 before the first. */
  seq: number;
  /** How many signals the inbox has ever had, as of the claim. */
  inboxSeq: number;
  /** Text lengths of the last snapshot and of the checkpoints since, to decide when a new one pays. */
  snapshotBytes: number;
  tailBytes: number;
  ports: { journal: Journal; tasks: Tasks; clock: Clock; inbox: Inbox };
  /** May change at any time; `nudge` says that it has. */
  standing: Readonly<Standing>;
}

/** How its worker stands. */
export interface Standing {
  /** The worker is shutting down: start no more tasks, hand the execution back when those under way end. */
  draining: boolean;
  /** The shutdown's grace is over, or the worker was declared dead: abort the tasks and hand back now. */
  abandoned: boolean;
}

/**
 * How it left: `ended`; `parked`; `woken` (parked, and runnable again at once, since a signal came in or
 * the worker handed it back: somebody should ring); `lost` (another owns it).
 */
export type ActivationEnd = 'ended' | 'parked' | 'woken' | 'lost';

/** A park and a claim take some milliseconds, and a doorbell may ring a little early. */
const NEARLY_MS = 50;

/** Signals that keep coming in do not keep a frame from timing out. */
const WITHDRAW_TRIES = 10;

/** `setTimeout` takes at most 2^31 - 1 ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A task that is being called. Its signal is made when somebody looks at it: most handlers never do. */
class Call implements TaskCall {
  #controller: AbortController | undefined;
  #aborted: { reason: Error | undefined } | undefined;
  heartbeat: () => void = () => undefined;

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted.reason);
    }
    return this.#controller.signal;
  }

  abort(reason?: Error): void {
    this.#aborted ??= { reason };
    this.#controller?.abort(reason);
  }
}

export class Activation {
  readonly #options: ActivationOptions;
  readonly #run: Run;
  #seq: number;
  #tailBytes: number;
  #snapshotBytes: number;
  #inboxSeq: number;
  #unread: boolean;
  /** The calls that the last owner left under way are still to be made, once the inbox and the clock have had their say. */
  #owesCalls = false;
  #paused = false;
  #answered = false;
  readonly #happened: Happening[] = [];
  readonly #calls = new Map<string, Call>();
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

  /** Its frames. Worth something to another activation only after a park. */
  get run(): Run {
    return this.#run;
  }

  /** The seq of its last checkpoint, with the text lengths that the next activation needs. */
  get position(): { seq: number; snapshotBytes: number; tailBytes: number } {
    return { seq: this.#seq, snapshotBytes: this.#snapshotBytes, tailBytes: this.#tailBytes };
  }

  /** When it wants to be woken after it has parked, ms since the epoch; undefined: only by a signal. */
  get wakesAtMs(): number | undefined {
    return nextWakeAt(this.#run);
  }

  /** Says that a signal may be in the inbox. */
  poke(): void {
    this.#unread = true;
    this.nudge();
  }

  /** Says that the worker's standing has changed. */
  nudge(): void {
    this.#news.resolve();
  }

  /**
   * Runs the execution until it parks or ends.
   * @returns how it left this worker.
   * @throws whatever the journal or the inbox throw when the database stays away: nothing is lost, and
   *   the execution can be taken up again from its last checkpoint.
   */
  async advance(): Promise<ActivationEnd> {
    try {
      await this.#readInbox();
      this.#begin();
      for (;;) {
        await this.#readInbox();
        const decision = await this.#decide();
        const effects = decision?.effects ?? [];
        const leave = this.#leaveAfter(effects, decision !== undefined && !isEmpty(decision));
        const answer = await this.#commit(decision, leave);
        if (answer === 'lost') return 'lost';
        await this.#release(effects);
        if (leave?.kind === 'ended') return 'ended';
        if (leave?.kind === 'parked') return answer === 'woken' || this.#handsBack() ? 'woken' : 'parked';
        this.#act(effects);
        await this.#somethingHappens();
      }
    } finally {
      const left = [...this.#calls.values()];
      this.#calls.clear();
      for (const call of left) call.abort();
    }
  }

  /**
   * What comes before everything else: the start, unless a stop was quicker; or, for calls that were under way
   * when the last owner left, the beginning of their heartbeat. An interruption is of those calls alone: whatever else has
   * come in may lead to others, which nobody has made yet. However many owners have died over them, they are interrupted once.
   */
  #begin(): void {
    const interrupted = this.#happened.findLast(({ kind }) => kind === 'interrupted');
    const others = this.#happened.splice(0).filter(({ kind }) => kind !== 'interrupted');
    this.#happened.push(...others);
    if (this.#seq === 0) {
      if (!this.#happened.some(({ kind }) => kind === 'stop')) this.#happened.unshift({ kind: 'start' });
      return;
    }
    this.#owesCalls = true;
    const beats = pendingInvocations(this.#run).map(({ frameId, key }) => ({
      kind: 'heartbeat' as const,
      frameId,
      key,
    }));
    this.#happened.unshift(...beats);
    if (interrupted !== undefined) this.#happened.unshift(interrupted);
  }

  async #readInbox(): Promise<void> {
    if (!this.#unread) return;
    this.#unread = false;
    for (const signal of await this.#options.ports.inbox.read(this.#run.about.executionId, this.#inboxSeq)) {
      if (signal.kind === 'pause') this.#paused = true;
      else if (signal.kind === 'resume') this.#paused = false;
      else this.#happened.push({ ...signal.data, kind: signal.kind } as Happening);
      this.#inboxSeq = signal.seq;
    }
    // What was there at the claim and is not any more was folded in before.
    this.#inboxSeq = Math.max(this.#inboxSeq, this.#options.inboxSeq);
    applyDelta(this.#run, {
      meta: { ...this.#run.meta, inboxSeq: this.#inboxSeq },
      changed: [],
      dropped: [],
    });
  }

  /** Folds in everything that has happened, and what the clock says is due. */
  async #decide(): Promise<Step | undefined> {
    const steps: Step[] = [];
    const { clock } = this.#options.ports;
    const fold = async (happening: Happening, nowMs: number): Promise<void> => {
      const taken = await step(this.#run, happening, nowMs);
      applyDelta(this.#run, taken.delta);
      // A heartbeat is worth no commit: a call is made anew after a crash, and its clock starts anew with it.
      if (happening.kind !== 'heartbeat') steps.push(taken);
    };
    for (let tries = 1; ; tries++) {
      for (const happening of this.#happened.splice(0))
        if (happening.kind !== 'tick') await fold(happening, Math.floor(clock.now()));
      const dueAtMs = nextWakeAt(this.#run);
      const nowMs = Math.floor(clock.now());
      if (dueAtMs === undefined || dueAtMs > nowMs) break;
      // What the clock says comes last: whatever has come in by now came in time.
      if (tries < WITHDRAW_TRIES && !(await this.#withdrawOverdue(nowMs))) continue;
      await fold({ kind: 'tick' }, nowMs);
      break;
    }
    const [first, ...rest] = steps;
    const decided = first === undefined ? undefined : mergeAllSteps(first, rest);
    // An endless loop of pure states gives way to the clock, the inbox and its neighbours here.
    if (decided?.more === true) this.#happened.push({ kind: 'tick' });
    return decided;
  }

  /**
   * Whoever answers in the moment in which a frame's time is up is either heard or refused. This is done before the
   * commit, and may be: whoever takes the execution up after a crash finds the time up, too.
   * @returns false when something has come in that is to be folded in first.
   */
  async #withdrawOverdue(nowMs: number): Promise<boolean> {
    const { tasks } = this.#options.ports;
    if (tasks.withdraw === undefined) return true;
    for (const effect of overdueWaits(this.#run, nowMs)) {
      if (await tasks.withdraw(effect, this.#about(), this.#inboxSeq)) continue;
      this.#unread = true;
      await this.#readInbox();
      return false;
    }
    return true;
  }

  /** Whether the execution leaves this worker with the coming commit, and how. */
  #leaveAfter(effects: readonly Effect[], changed: boolean): Leave | undefined {
    const end = effects.find((effect) => effect.kind === 'end');
    if (end !== undefined) {
      const { kind: _, ...how } = end;
      return { kind: 'ended', inboxSeq: this.#inboxSeq, endTimeMs: this.#options.ports.clock.now(), ...how };
    }
    const { clock } = this.#options.ports;
    if (this.#options.standing.abandoned) return this.#park(clock.now(), changed);
    const cancelled = new Set(effects.flatMap((effect) => (effect.kind === 'cancel' ? [effect.key] : [])));
    const calling = [...this.#calls.keys()].some((key) => !cancelled.has(key));
    // Paused: whoever resumes it makes what is runnable run. What has been answered is folded in first.
    if (this.#paused && !calling && !this.#hasAnswers()) return this.#park(clock.now(), changed);
    // Shutting down: what should be called now is left to the next owner, under the same keys.
    if (this.#options.standing.draining && !calling && pendingInvocations(this.#run).length > 0) {
      return this.#park(clock.now(), changed);
    }
    if (calling || this.#happened.length > 0 || this.#unread) return undefined;
    if (effects.some(({ kind }) => kind === 'invoke')) return undefined;
    if (this.#owesCalls && pendingInvocations(this.#run).length > 0) return undefined;
    const wakeAtMs = nextWakeAt(this.#run);
    // Due, or nearly: to wait here is cheaper than a park and a claim. A worker that is shutting down does not wait.
    const isNear = wakeAtMs !== undefined && wakeAtMs <= clock.now() + NEARLY_MS;
    if (isNear && !this.#options.standing.draining) return undefined;
    return this.#park(wakeAtMs, changed);
  }

  /** `changed`: a checkpoint comes with the park, and the snapshot is as of that one. */
  #park(wakeAtMs: number | undefined, changed: boolean): Leave {
    const worthIt = this.#tailBytes > this.#snapshotBytes && this.#tailBytes > SMALL_TAIL;
    const snapshot = worthIt
      ? { seq: changed ? this.#seq + 1 : this.#seq, text: snapshotOf(this.#run) }
      : undefined;
    return { kind: 'parked', inboxSeq: this.#inboxSeq, wakeAtMs, snapshot, answered: this.#answered };
  }

  #handsBack(): boolean {
    const { draining, abandoned } = this.#options.standing;
    return abandoned || (draining && pendingInvocations(this.#run).length > 0);
  }

  async #commit(decision: Step | undefined, leave: Leave | undefined): Promise<AppendAnswer> {
    const { executionId } = this.#run.about;
    const { epoch } = this.#options;
    const state = currentState(this.#run);
    const changed = decision !== undefined && !isEmpty(decision);
    if (!changed && leave === undefined) return 'committed';
    const checkpoint = changed
      ? {
          executionId,
          seq: this.#seq + 1,
          epoch,
          firstEventId: decision.history[0]?.id ?? decision.delta.meta.nextEventId,
          eventCount: decision.history.length,
          events: JSON.stringify(decision.history),
          frames: JSON.stringify(decision.delta),
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
        const call = this.#calls.get(effect.key);
        this.#calls.delete(effect.key);
        call?.abort(new Error('the task was cancelled or timed out'));
      }
    }
    if (this.#options.standing.draining) return;
    if (this.#paused) {
      this.#owesCalls = true;
      return;
    }
    if (this.#owesCalls) this.#call(this.#uncalled());
    else this.#call(effects.filter((effect) => effect.kind === 'invoke'));
    this.#owesCalls = false;
  }

  /** Something has come in that would be lost with this activation. */
  #hasAnswers(): boolean {
    return this.#unread || this.#happened.some(({ kind }) => kind !== 'tick' && kind !== 'heartbeat');
  }

  /** The calls that are neither under way nor answered. */
  #uncalled(): InvokeEffect[] {
    const answered = new Set(
      this.#happened.map((happening) => ('key' in happening ? happening.key : undefined)),
    );
    return pendingInvocations(this.#run).filter(({ key }) => !this.#calls.has(key) && !answered.has(key));
  }

  /** Whoever answers what nobody waits for any more should be told so; a crash here leaves that to the sweeper. */
  async #release(effects: readonly Effect[]): Promise<void> {
    const releases = effects.filter((effect) => effect.kind === 'release');
    if (releases.length === 0) return;
    const about = this.#about();
    await Promise.all(releases.map((effect) => this.#options.ports.tasks.release(effect, about)));
  }

  #about(): ExecutionAbout {
    const { executionId, executionName, stateMachineId } = this.#run.about;
    const { version, queue } = this.#options;
    return { executionId, executionName, stateMachineId, version, queue };
  }

  #call(invocations: readonly InvokeEffect[]): void {
    const about = this.#about();
    for (const effect of invocations) {
      const call = new Call();
      this.#calls.set(effect.key, call);
      const { frameId, key } = effect;
      call.heartbeat = () => {
        if (this.#calls.get(key) === call) this.#happen({ kind: 'heartbeat', frameId, key });
      };
      const called = this.#options.ports.tasks.invoke(effect, about, call);
      // A port that throws after all breaks its promise, not the process.
      const settled = called.catch(
        (fault: unknown): TaskOutcome => ({ ok: false, error: 'Error', cause: String(fault) }),
      );
      void settled.then((outcome) => {
        // Cancelled, timed out or abandoned meanwhile: nobody waits for this outcome.
        if (this.#calls.get(key) !== call) return;
        this.#calls.delete(key);
        this.#answered = true;
        this.#happen(
          outcome.ok
            ? { kind: 'taskSucceeded', frameId, key, output: outcome.output }
            : { ...outcome, kind: 'taskFailed', frameId, key },
        );
      });
    }
  }

  #happen(happening: Happening): void {
    this.#happened.push(happening);
    this.#news.resolve();
  }

  /** Resolves when there is something to decide: an outcome, a signal, a timer that is due, a shutdown, a pause. */
  async #somethingHappens(): Promise<void> {
    const { clock } = this.#options.ports;
    const { draining, abandoned } = this.#options.standing;
    if (this.#happened.length === 0 && !this.#unread && !abandoned && !(draining && this.#calls.size === 0)) {
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
