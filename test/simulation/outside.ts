/** Who uses the service: starts executions, answers tokens, works at an activity, sends messages, pauses, stops, redrives. */

import type { Queues } from '../../src/queue/index.js';
import {
  answerToken,
  createStarts,
  deliverMessage,
  deliverSignal,
  isUnavailable,
  leaseTask,
  pauseExecution,
  redriveExecution,
  resumeExecution,
  reviveDeadLetter,
  type TokenAnswer,
} from '../../src/store/index.js';
import type { Broker } from './broker.js';
import { failureOf, type Input, type Plan, resultOf } from './handlers.js';
import type { Oracle } from './oracle.js';
import type { Server } from './postgres/server.js';
import type { Random } from './random.js';
import type { Act, Root, Scenario, Sending } from './scenario.js';
import { openDatabase } from './workers.js';
import { ITEMS } from './workflows.js';
import type { Proc, World } from './world.js';

export interface OutsideOptions {
  world: World;
  server: Server;
  broker: Broker;
  oracle: Oracle;
  random: Random;
  scenario: Scenario;
}

const AGAIN_MS = 250;
const LOOK_MS = 500;

export class Outside {
  readonly #options: OutsideOptions;
  readonly #proc: Proc;
  readonly #ids = new Map<string, string>();
  readonly #asked = new Set<string>();
  readonly #redriven = new Set<string>();
  #underWay = 0;
  #queues: Queues | undefined;
  #database: ReturnType<typeof openDatabase> | undefined;

  constructor(options: OutsideOptions) {
    this.#options = options;
    this.#proc = options.world.spawn('api');
  }

  /** Nothing that was to come is still to come. */
  get isDone(): boolean {
    return this.#underWay === 0;
  }

  isHealed(executionId: string): boolean {
    return this.#redriven.has(executionId);
  }

  begin(): void {
    const { scenario, world, broker } = this.#options;
    const { roots, messages, acts } = scenario;
    world.after(0, this.#proc, () => {
      this.#database = openDatabase();
      this.#queues = broker.open(this.#proc);
      for (const root of roots) this.#at(root.atMs, () => this.#start(root));
      for (const sending of messages) this.#at(sending.atMs, () => this.#send(sending));
      for (const act of acts) this.#at('atMs' in act ? act.atMs : 0, () => this.#act(act));
      if (JSON.stringify(scenario.machines).includes(':activity:')) this.#work();
      this.#revive();
    });
  }

  /** A function has been given a token: somebody answers. */
  asked(token: string, { v, plan }: Input, attempt: number): void {
    // It is the same token when it is given again.
    if (plan.silent === true || this.#asked.has(token)) return;
    this.#asked.add(token);
    for (let n = 0; n < (plan.times ?? 1); n++)
      this.#at(plan.ms + n * 40, () => this.#answer(token, answerTo(v, plan, attempt, false)));
    if (plan.ms > 1_000) this.#at(600, () => this.#answer(token, { kind: 'tokenHeartbeat' }));
  }

  get #pool() {
    if (this.#database === undefined) throw new Error('not begun');
    return this.#database.pool;
  }

  #at(delayMs: number, work: () => Promise<void>): void {
    const { world, oracle } = this.#options;
    this.#underWay++;
    world.after(delayMs, this.#proc, () => {
      work().then(
        () => this.#underWay--,
        (error: unknown) => oracle.complain(`what was asked from outside failed: ${String(error)}`),
      );
    });
  }

  /** Asks again until there is an answer, as whoever uses an API does. `unsure`: it was asked more than once. */
  async #ask<T>(work: () => Promise<T>): Promise<{ answer: T; unsure: boolean }> {
    for (let tries = 0; ; tries++) {
      try {
        return { answer: await work(), unsure: tries > 0 };
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        await this.#pause(AGAIN_MS);
      }
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.world.after(ms, this.#proc, resolve));
  }

  #ring(queue: string, executionId: string): void {
    // What cannot be rung for now, the sweeper rings for.
    this.#queues?.producer.ring(queue, [executionId]).catch(() => undefined);
  }

  async #start({ machine, name, v }: Root): Promise<void> {
    const { world, oracle } = this.#options;
    const row = {
      stateMachineId: machine,
      name,
      input: JSON.stringify({ v, items: ITEMS }),
      queue: undefined,
      at: undefined,
    };
    const starts = createStarts({ pool: this.#pool } as Parameters<typeof createStarts>[0]);
    const { answer } = await this.#ask(() =>
      starts.start({ ...row, waited: false, sourceExecutionId: undefined, sourceStateName: undefined }),
    );
    if (answer.kind !== 'created' && answer.kind !== 'existing')
      throw new Error(`a start was answered ${answer.kind}`);
    const { executionId, queue } = answer.execution;
    world.note(`${name} is accepted`);
    oracle.accepted(executionId, name);
    this.#ids.set(name, executionId);
    this.#ring(queue, executionId);
  }

  async #idOf(name: string): Promise<string> {
    for (;;) {
      const id = this.#ids.get(name);
      if (id !== undefined) return id;
      await this.#pause(LOOK_MS);
    }
  }

  async #send({ root, key, v }: Sending): Promise<void> {
    const data = JSON.stringify({ v });
    const correlation = { correlationKey: key, correlationValue: root };
    // It is sent once: a message whose outcome is unknown might be there twice. The API has no faults of its own here.
    const { answer } = await this.#ask(() => deliverMessage(this.#pool, correlation, data, 86_400));
    this.#options.world.note(`message ${key} for ${root}: ${answer.kept ? 'kept' : 'delivered'}`);
    for (const { owner, queue, executionId } of answer.woken)
      if (owner === null) this.#ring(queue, executionId);
  }

  async #answer(token: string, said: TokenAnswer): Promise<void> {
    const { world, oracle } = this.#options;
    const { answer, unsure } = await this.#ask(() => answerToken(this.#pool, token, said));
    world.note(`${said.kind} is ${answer.kind}`);
    if (answer.kind === 'unknown') oracle.complain('a token that was handed out is not known');
    if (answer.kind !== 'delivered') return;
    if (said.kind !== 'tokenHeartbeat' && !unsure) oracle.answered(token);
    const { owner, queue, executionId } = answer.woken;
    if (owner === null) this.#ring(queue, executionId);
  }

  /** An activity worker that polls; the API keeps it waiting until there is something (store/waiting-room.ts). */
  #work(): void {
    const { world, server } = this.#options;
    world.after(LOOK_MS, this.#proc, () => {
      if (!hasOffer(server)) return this.#work();
      leaseTask(this.#pool, 'desk', 'clerk').then(
        (leased) => {
          if (leased !== undefined) {
            const { owner, queue, executionId } = leased.woken;
            if (owner === null) this.#ring(queue, executionId);
            this.#workAt(leased.token, executionId, leased.input);
          }
          this.#work();
        },
        () => {
          // A task may have been given to nobody: its answer was lost. A time limit would see to that; here the desk does.
          for (const { id, executionId, input, leased, doneMs } of server.db.tokens.values())
            if (leased && doneMs === null && input !== null) this.#workAt(id, executionId, input);
          this.#work();
        },
      );
    });
  }

  #workAt(token: string, executionId: string, input: string): void {
    if (this.#asked.has(token)) return;
    this.#asked.add(token);
    const { v, plan } = JSON.parse(input) as Input;
    const attempt = this.#options.oracle.attemptOf(token);
    this.#at(plan.ms, () => this.#answer(token, answerTo(v, plan, attempt, this.isHealed(executionId))));
  }

  async #act(act: Act): Promise<void> {
    const { world } = this.#options;
    const id = await this.#idOf(act.root);
    switch (act.kind) {
      case 'stop': {
        const { answer } = await this.#ask(() => deliverSignal(this.#pool, id, 'stop', {}));
        world.note(`${act.root} is to stop`);
        if (!answer.ended && answer.owner === null) this.#ring(answer.queue, id);
        return;
      }
      case 'pause': {
        await this.#ask(() => pauseExecution(this.#pool, id, 'a pause'));
        world.note(`${act.root} is paused`);
        await this.#pause(act.forMs);
        const { answer } = await this.#ask(() => resumeExecution(this.#pool, id));
        world.note(`${act.root} is resumed`);
        if (answer !== undefined && !answer.ended && answer.owner === null) this.#ring(answer.queue, id);
        return;
      }
      case 'redrive':
        return this.#redriveOnceFailed(id, act.root);
    }
  }

  async #redriveOnceFailed(id: string, name: string): Promise<void> {
    const { server, world, oracle } = this.#options;
    for (;;) {
      const row = server.db.executions.get(id);
      if (row === undefined || row.status === 'SUCCEEDED' || row.redriveCount > 0) return;
      if (row.endMs !== null) break;
      await this.#pause(LOOK_MS);
    }
    this.#redriven.add(id);
    const { answer } = await this.#ask(() => redriveExecution(this.#pool, id, 'once'));
    world.note(`redrive of ${name}: ${answer.kind}`);
    if (answer.kind !== 'redriven') return;
    oracle.redriven(id);
    this.#ring(answer.redriven.queue, id);
    // What it had been given and not read is gone with its end.
    for (const sending of this.#options.scenario.messages)
      if (sending.root === name) this.#at(0, () => this.#send(sending));
  }

  /** Who looks after dead letters: an execution that met too many faults is tried again. */
  #revive(): void {
    const { server, world } = this.#options;
    world.after(5_000, this.#proc, () => {
      for (const { id, queue } of server.db.deadLetters.values())
        this.#at(0, async () => {
          world.note('a dead letter is revived');
          await this.#ask(() =>
            reviveDeadLetter({ pool: this.#pool } as Parameters<typeof reviveDeadLetter>[0], queue, id),
          );
          this.#ring(queue, id);
        });
      this.#revive();
    });
  }
}

function hasOffer({ db }: Server): boolean {
  for (const { activity, leased, doneMs } of db.tokens.values())
    if (activity === 'desk' && !leased && doneMs === null) return true;
  return false;
}

function answerTo(v: number, plan: Plan, attempt: number, healed: boolean): TokenAnswer {
  const error = failureOf(plan, attempt, healed);
  if (error !== undefined) return { kind: 'tokenFailed', error, cause: 'as planned' };
  return { kind: 'tokenSucceeded', output: { v: resultOf(v, plan) } };
}
