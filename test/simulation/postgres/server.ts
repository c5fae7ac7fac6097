/**
 * PostgreSQL as the simulation has it: sessions, statements, locks, commits that take time, connections that break.
 *
 * 1. A statement takes its locks when it begins and has its effect when it commits; between the two, others read what was
 *    there before, and whoever wants its locks waits: READ COMMITTED. In a transaction of several statements each has its
 *    effect at once, behind its locks, and loses it when the transaction is rolled back.
 * 2. The fate of a statement says how slow it is, and whether its client hears of it.
 */
import type { Bug } from '../bugs.js';
import type { Proc, World } from '../world.js';
import { type Holder, Locks } from './locks.js';
import { mirrorOf } from './mirrors.js';
import { type Mirror, PgError, type Row, type Statement, texts } from './statement.js';
import { Changes, type JournalRow, Tables } from './tables.js';

/** What becomes of one statement. */
export interface Fate {
  /** On its way to the server, until it commits, and on its way back, in ms. */
  requestMs: number;
  commitMs: number;
  replyMs: number;
  /**
   * `unsent`: it never arrives. `unanswered`: it commits, and the answer is lost. `late`: its client is told that the
   * connection broke, and it commits afterwards. `refused`: rolled back by the server, for a reason that passes.
   */
  end: 'answered' | 'unsent' | 'unanswered' | 'late' | 'refused';
  /** It commits as soon as another worker has read the tail of its executions, `commitMs` later at the latest. */
  untilTailIsRead?: boolean;
  /** Called when it is sent, and when it has committed: the process may die, or be stopped, there. */
  onSent?: () => void;
  onCommitted?: () => void;
}

export interface ServerOptions {
  world: World;
  bug: Bug | undefined;
  /** Asked for each statement, by the name of its mirror. */
  fateOf: (proc: Proc, of: string) => Fate;
  /** A statement has no mirror. */
  onUnknown: (problem: string) => void;
  /** A checkpoint has been committed. */
  onAppended: (row: JournalRow) => void;
}

export interface Result {
  rows: Row[];
  rowCount: number;
}

type Settle = (outcome: Result | Error) => void;

/** Whatever takes longer is ended by the server. */
const STATEMENT_MS = 30_000;

interface Transaction {
  changes: Changes;
  /** Ends it when its client says nothing for so long. */
  ended: boolean;
}

/** One connection. */
export class Session {
  readonly proc: Proc;
  broken = false;
  transaction: Transaction | undefined;
  /** Statements since the transaction began, to tell an idle one from one that goes on. */
  turns = 0;
  onReleased: (() => void) | undefined;
  constructor(proc: Proc) {
    this.proc = proc;
  }
}

export interface ListeningClient {
  proc: Proc;
  channels: ReadonlySet<string>;
  onNotification: (channel: string, payload: string) => void;
  onBroken: () => void;
}

interface Held {
  executions: readonly string[];
  proc: Proc;
  commit: () => void;
}

export class Server {
  readonly db = new Tables();
  readonly #options: ServerOptions;
  readonly #locks = new Locks();
  readonly #open = new Set<Session>();
  readonly #listening = new Set<ListeningClient>();
  readonly #held = new Set<Held>();
  /** Ends a statement that is under way. */
  readonly #underWay = new Set<() => void>();
  /** Counts its restarts: what was under way before one is gone. */
  #life = 0;
  #isDown = false;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.db.startedMs = options.world.nowMs;
  }

  get isDown(): boolean {
    return this.#isDown;
  }

  /** Everybody's connections break; what has not committed is gone. Up again after so many ms. */
  restart(downMs: number): void {
    const { world } = this.#options;
    if (this.#isDown) return;
    world.note(`PostgreSQL is down for ${String(Math.round(downMs))} ms`);
    this.#isDown = true;
    this.#life++;
    for (const breakOff of [...this.#underWay]) breakOff();
    this.#held.clear();
    for (const session of [...this.#open]) this.close(session);
    for (const client of [...this.#listening]) this.breakListening(client);
    world.after(downMs, undefined, () => {
      world.note('PostgreSQL is up');
      this.#isDown = false;
      this.db.startedMs = world.nowMs;
    });
  }

  listen(client: ListeningClient): void {
    this.#listening.add(client);
    client.proc.onKilled.add(() => this.#listening.delete(client));
  }

  unlisten(client: ListeningClient): void {
    this.#listening.delete(client);
  }

  breakListening(client: ListeningClient): void {
    this.#listening.delete(client);
    this.#options.world.after(1, client.proc, client.onBroken);
  }

  /** Breaks the sessions with which a process listens. */
  deafen(proc: Proc): void {
    for (const client of [...this.#listening]) if (client.proc === proc) this.breakListening(client);
  }

  /** One for several statements. */
  openSession(proc: Proc): Session {
    const session = new Session(proc);
    // The server notices soon that its client is gone.
    const onKilled = (): void => void this.#options.world.after(1, undefined, () => this.close(session));
    proc.onKilled.add(onKilled);
    session.onReleased = () => proc.onKilled.delete(onKilled);
    return session;
  }

  close(session: Session): void {
    session.broken = true;
    this.#rollBack(session);
  }

  /** Runs a statement for the process whose event is happening. */
  query(session: Session, sql: string, values: readonly unknown[]): Promise<Result> {
    const { world, fateOf } = this.#options;
    const { proc } = session;
    return new Promise((resolve, reject) => {
      const command = COMMANDS[sql];
      const mirror = command === undefined ? this.#mirrorOf(sql) : undefined;
      const fate = fateOf(proc, mirror?.of ?? sql);
      let answered = false;
      const settle = (outcome: Result | Error, delayMs: number): undefined => {
        if (answered) return;
        answered = true;
        world.after(delayMs, proc, () => (outcome instanceof Error ? reject(outcome) : resolve(outcome)));
      };
      fate.onSent?.();
      if (session.broken) return settle(disconnected('the session is broken'), 0);
      if (this.#isDown) return settle(refusedConnection(), 1);
      const breaks = (delayMs: number): undefined => {
        if (session.transaction !== undefined) session.broken = true;
        settle(disconnected('Connection terminated unexpectedly'), delayMs);
      };
      if (fate.end === 'unsent') {
        if (session.transaction !== undefined) world.after(1, undefined, () => this.close(session));
        return breaks(fate.requestMs + 1);
      }
      if (fate.end === 'late') breaks(1);
      const life = this.#life;
      const reply: Settle = (outcome) => {
        if (life !== this.#life || fate.end === 'unanswered') breaks(fate.replyMs);
        else settle(outcome, fate.replyMs);
      };
      world.after(fate.requestMs, undefined, () => {
        if (life !== this.#life || session.broken) return breaks(1);
        session.turns++;
        if (command !== undefined) this.#command(session, command, fate, reply);
        else if (mirror !== undefined) this.#execute(session, mirror, values, fate, reply);
      });
    });
  }

  /** Whoever sends a statement may take its failure lightly: that there is no mirror is not to be lost. */
  #mirrorOf(sql: string): Mirror {
    try {
      return mirrorOf(sql);
    } catch (error) {
      this.#options.onUnknown(String(error));
      throw error;
    }
  }

  #command(session: Session, command: 'begin' | 'commit' | 'rollback', fate: Fate, reply: Settle): void {
    if (command === 'begin') {
      session.transaction = { changes: new Changes(), ended: false };
      this.#open.add(session);
      this.#watch(session);
    } else if (command === 'commit' && session.transaction !== undefined) {
      const { transaction } = session;
      session.transaction = undefined;
      this.#open.delete(session);
      this.#publish(transaction.changes);
      this.#locks.release(transaction);
      fate.onCommitted?.();
    } else this.#rollBack(session);
    reply({ rows: [], rowCount: 0 });
  }

  /** idle_in_transaction_session_timeout. */
  #watch(session: Session): void {
    const { turns } = session;
    this.#options.world.after(STATEMENT_MS, undefined, () => {
      if (session.transaction === undefined) return;
      if (session.turns === turns) this.close(session);
      else this.#watch(session);
    });
  }

  #rollBack(session: Session): void {
    const { transaction } = session;
    session.transaction = undefined;
    this.#open.delete(session);
    if (transaction === undefined) return;
    transaction.ended = true;
    transaction.changes.takeBack();
    this.#locks.release(transaction);
  }

  #execute(session: Session, mirror: Mirror, values: readonly unknown[], fate: Fate, reply: Settle): void {
    const { world, bug } = this.#options;
    const { transaction } = session;
    const own = { changes: new Changes() };
    const holder: Holder = transaction ?? own;
    const changes = transaction?.changes ?? own.changes;
    const statement = { values, db: this.db, changes, nowMs: world.nowMs, bug, picked: [] as string[] };
    const asked: Statement = { ...statement, isLocked: (key) => this.#locks.isLocked(key, holder) };

    const breakOff = (): void => giveUp(disconnected('terminating connection due to administrator command'));
    this.#underWay.add(breakOff);
    let done = false;
    const giveUp = (error: Error): undefined => {
      if (done) return;
      done = true;
      this.#underWay.delete(breakOff);
      if (transaction !== undefined) this.close(session);
      else own.changes.takeBack();
      this.#locks.release(holder);
      reply(error);
    };
    const finish = (): undefined => {
      if (done) return undefined;
      if (transaction?.ended === true) return giveUp(disconnected('the session is broken'));
      if (fate.end === 'refused') return giveUp(new PgError('40001', 'could not serialize access'));
      let answer: Result;
      try {
        answer = resultOf(mirror.run(asked));
      } catch (error) {
        if (!(error instanceof PgError)) throw error;
        return giveUp(error);
      }
      done = true;
      this.#underWay.delete(breakOff);
      if (mirror.of === 'registerWorker') session.proc.workerId = String(values[0]);
      if (transaction === undefined) {
        this.#publish(own.changes);
        this.#locks.release(own);
        fate.onCommitted?.();
      }
      reply(answer);
      if (mirror.of === 'READ_TAIL') this.#tailWasRead(session.proc, texts(values[0]));
    };
    const begin = (): void => {
      const slow =
        mirror.of === 'FLUSH' && bug === 'act-before-commit' ? Math.max(5, fate.commitMs) : fate.commitMs;
      if (mirror.of === 'FLUSH' && bug === 'act-before-commit') {
        const early = foresee(mirror, asked);
        if (early !== undefined) reply(early);
      }
      if (fate.untilTailIsRead === true && mirror.of === 'FLUSH')
        this.#hold(session.proc, texts(values[1]), slow, finish);
      else if (slow > 0 && transaction === undefined) world.after(slow, undefined, finish);
      else finish();
    };
    const attempt = (): boolean => {
      if (done) return true;
      if (transaction?.ended === true) {
        giveUp(disconnected('the session is broken'));
        return true;
      }
      if (!this.#locks.take(holder, mirror.locks?.(asked) ?? [])) return false;
      begin();
      return true;
    };
    if (attempt()) return;
    const leave = this.#locks.wait(attempt);
    world.after(STATEMENT_MS, undefined, () => {
      if (leave()) giveUp(new PgError('57014', 'canceling statement due to statement timeout'));
    });
  }

  #hold(proc: Proc, executions: readonly string[], atMostMs: number, commit: () => void): void {
    const held: Held = {
      executions,
      proc,
      commit: () => {
        if (this.#held.delete(held)) commit();
      },
    };
    this.#held.add(held);
    this.#options.world.after(atMostMs, undefined, held.commit);
  }

  #tailWasRead(by: Proc, executions: readonly string[]): void {
    for (const held of [...this.#held])
      if (held.proc !== by && held.executions.some((id) => executions.includes(id))) held.commit();
  }

  /** The changes are everybody's now. */
  #publish({ appended, notifications }: Changes): void {
    const { world, onAppended } = this.#options;
    for (const row of appended) onAppended(row);
    for (const { channel, payload } of notifications)
      for (const client of this.#listening)
        if (client.channels.has(channel))
          world.after(1, client.proc, () => {
            if (this.#listening.has(client)) client.onNotification(channel, payload);
          });
  }
}

const COMMANDS: Readonly<Record<string, 'begin' | 'commit' | 'rollback'>> = {
  BEGIN: 'begin',
  COMMIT: 'commit',
  ROLLBACK: 'rollback',
};

/** What a statement would answer, without its effect. */
function foresee(mirror: Mirror, statement: Statement): Result | undefined {
  const changes = new Changes();
  try {
    return resultOf(mirror.run({ ...statement, changes }));
  } catch {
    return undefined;
  } finally {
    changes.takeBack();
  }
}

function resultOf(answer: Row[] | { rowCount: number }): Result {
  return Array.isArray(answer)
    ? { rows: answer, rowCount: answer.length }
    : { rows: [], rowCount: answer.rowCount };
}

function disconnected(message: string): Error {
  return Object.assign(new Error(message), { code: 'ECONNRESET' });
}

export function refusedConnection(): Error {
  return Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
}
