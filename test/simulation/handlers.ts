/** What tasks do here: the same for the same input and attempt, failures included. */
import type { HandlerContext, Handlers } from '../../src/tasks/index.js';

/** How a task goes, as its definition says. */
export interface Plan {
  /** Makes the results of tasks differ. */
  salt: number;
  /** How long it takes. */
  ms: number;
  /** The errors of the first attempts; what comes after them succeeds. */
  fails: string[];
  /** Fails until its execution has been redriven. */
  heals?: boolean;
  /** Says every so often that it is alive. */
  beatMs?: number;
  /** Of a token or an activity's task: nobody ever answers. */
  silent?: boolean;
  /** Of a token: answered so often. */
  times?: number;
}

export interface Input {
  v: number;
  plan: Plan;
}

/** What the handlers tell the run. */
export interface Calls {
  called: (context: HandlerContext) => void;
  isHealed: (executionId: string) => boolean;
  /** A token was handed out. */
  asked: (token: string, input: Input, context: HandlerContext) => void;
}

/** The result of a task: of its input, and of which task it is. */
export function resultOf(v: number, { salt }: Pick<Plan, 'salt'>): number {
  return (v * 31 + salt * 7 + 3) % 9973;
}

/** The error of an attempt; undefined: it succeeds. */
export function failureOf(plan: Plan, attempt: number, healed: boolean): string | undefined {
  if (plan.heals === true) return healed ? undefined : HEALS;
  return plan.fails[attempt];
}

const HEALS = 'Planned.Heals';

export function planned(name: string): Error {
  const error = new Error('as planned');
  error.name = name;
  error.stack = '';
  return error;
}

export function createHandlers({ called, isHealed, asked }: Calls): Handlers {
  return {
    work: async ({ v, plan }: Input, context) => {
      called(context);
      const { ms, beatMs } = plan;
      let left = ms;
      while (beatMs !== undefined && left > beatMs) {
        await sleep(beatMs);
        context.heartbeat();
        left -= beatMs;
      }
      if (left > 0) await sleep(left);
      const fails = failureOf(plan, context.attempt, isHealed(context.executionId));
      if (fails !== undefined) throw planned(fails);
      return { v: resultOf(v, plan) };
    },
    ask: (input: Input & { token: string }, context) => {
      called(context);
      asked(input.token, input, context);
      return null;
    },
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
