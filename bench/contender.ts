import type { CpuTime } from './cpu.js';

/** One way of doing the work, to be measured side by side with the others. */
export interface Contender {
  name: string;
  table: Table;
  /** The row that this table's others are compared with. */
  isReference?: boolean;
  /** One measurement, with everything it needs started before and stopped after. @throws Void */
  measure(): Promise<Sample>;
}

/** Throughput of executions, of starting them, and how long one takes on an idle system. */
export type Table = 'executions' | 'starts' | 'latency';

export interface Sample {
  perSecond?: number;
  /** CPU time of one execution, in ms. */
  cpuMs?: CpuTime;
  p50Ms?: number;
  p99Ms?: number;
  /** Text of history events that one state left behind, in bytes on average. */
  historyBytesPerState?: number;
}

/** So much work, done in so many seconds with so much CPU time. */
export function sampleOf(count: number, seconds: number, cpu: CpuTime | undefined): Sample {
  const each = (time: number): number => (time * 1000) / count;
  return {
    perSecond: count / seconds,
    ...(cpu && { cpuMs: { node: each(cpu.node), postgres: each(cpu.postgres), redis: each(cpu.redis) } }),
  };
}

/** The work was not done as it should have been, so how fast it was means nothing. */
export class Void extends Error {
  override readonly name = 'Void';
}
