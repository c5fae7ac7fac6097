/**
 * The load: clients that start executions of every kind, make batches and answer tokens, all over HTTP. A client whose
 * request got no answer, or 503, sends it again under the same name; only what was acknowledged counts as accepted.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { markAnswered, openTokens } from './ledger.js';
import type { Town } from './town.js';

/** What the APIs have acknowledged, and how the requests went. */
export interface Account {
  executions: Set<string>;
  batches: Map<string, number>;
  requests: number;
  /** Requests that got no answer: refused, reset, cut off, or too slow. */
  unanswered: number;
  /** The most tries that one request took until it was answered. */
  mostTries: number;
  /** Answers of 500 and above, by status. */
  refused: Map<number, number>;
  /** Answers that no client should get. */
  wrong: string[];
}

export interface Load {
  account: Account;
  /** Starts no more; resolves when every request that was begun has been acknowledged. Tokens are answered still. */
  stopStarting(): Promise<void>;
  stop(): Promise<void>;
}

export interface LoadOptions {
  /** Executions started a second, besides those of batches. */
  perSecond: number;
  batchSize: number;
  batchEveryMs: number;
  /** A number below 1, as Math.random gives. */
  random: () => number;
  /** Prefix of the executions' names, to tell one load from another. */
  label: string;
}

const REQUEST_MS = 15_000;
const AGAIN_MS = 100;

export function startLoad(town: Town, options: LoadOptions): Load {
  const account: Account = {
    executions: new Set(),
    batches: new Map(),
    requests: 0,
    unanswered: 0,
    mostTries: 0,
    refused: new Map(),
    wrong: [],
  };
  let starting = true;
  let answering = true;
  const under = new Set<Promise<void>>();
  const wheel = town.machines.flatMap(({ id, share }) => Array<string>(share).fill(id));

  /** Sends until there is an answer below 500. undefined: an answer that there should not be. */
  const send = async (path: string, body: unknown, wanted: readonly number[]): Promise<unknown> => {
    for (let tries = 1; ; tries++) {
      account.requests += 1;
      account.mostTries = Math.max(account.mostTries, tries);
      try {
        const response = await fetch(`${await town.someApi()}${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
          signal: AbortSignal.timeout(REQUEST_MS),
        });
        const text = await response.text();
        if (wanted.includes(response.status)) return text === '' ? {} : JSON.parse(text);
        if (response.status < 500) {
          account.wrong.push(`${path}: ${response.status} ${text.slice(0, 300)}`);
          return undefined;
        }
        account.refused.set(response.status, (account.refused.get(response.status) ?? 0) + 1);
        if (response.status !== 503) account.wrong.push(`${path}: ${response.status} ${text.slice(0, 300)}`);
      } catch {
        account.unanswered += 1; // nobody knows whether it was heard: the name makes it safe to ask again
      }
      await sleep(AGAIN_MS);
    }
  };
  const track = (work: Promise<void>): void => {
    under.add(work);
    void work.finally(() => under.delete(work));
  };

  const startOne = async (machine: string, name: string): Promise<void> => {
    const input = { items: [1, 2, 3, 4, 5], orderId: name };
    const answer = await send(`/state-machines/${machine}/executions`, { name, input }, [202]);
    const id = fieldOf(answer, 'executionId');
    if (id !== undefined) account.executions.add(id);
  };
  /** A batch has no name: one whose answer was lost may be there twice, so only what was acknowledged is counted. */
  const startBatch = async (n: number): Promise<void> => {
    const inputs = Array.from({ length: options.batchSize }, (_, index) => ({ orderId: `${n}-${index}` }));
    const answer = await send('/state-machines/orders/batch', { mode: 'distributed', inputs }, [202]);
    const id = fieldOf(answer, 'batchId');
    if (id !== undefined) account.batches.set(id, options.batchSize);
  };

  const starts = async (): Promise<void> => {
    for (let n = 0; starting; n++) {
      const machine = wheel[Math.floor(options.random() * wheel.length)] ?? 'orders';
      track(startOne(machine, `${options.label}-${n}`));
      await sleep(1000 / options.perSecond);
    }
  };
  const batches = async (): Promise<void> => {
    for (let n = 0; starting; n++) {
      track(startBatch(n));
      await sleep(options.batchEveryMs);
    }
  };
  const answers = async (): Promise<void> => {
    while (answering) {
      const open = await openTokens(town.ledger);
      await Promise.all(open.map(answerOne));
      await sleep(open.length === 0 ? 100 : 10);
    }
  };
  /** 409: an earlier answer of ours, whose acknowledgement was lost, has come through after all. */
  const answerOne = async (token: string): Promise<void> => {
    const path = `/task-tokens/${encodeURIComponent(token)}/success`;
    const answer = await send(path, { output: { answered: token } }, [204, 409]);
    if (answer !== undefined) await markAnswered(town.ledger, token);
  };

  const feeding = [starts(), batches()];
  const answered = answers();
  return {
    account,
    stopStarting: async () => {
      starting = false;
      await Promise.all(feeding);
      await Promise.all(under);
    },
    stop: async () => {
      answering = false;
      await answered;
    },
  };
}

function fieldOf(answer: unknown, name: string): string | undefined {
  if (typeof answer !== 'object' || answer === null || !(name in answer)) return undefined;
  const value: unknown = Reflect.get(answer, name);
  return typeof value === 'string' ? value : undefined;
}
