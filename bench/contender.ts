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
  p50Ms?: number;
  p99Ms?: number;
  /** Text of history events that one state left behind, in bytes on average. */
  historyBytesPerState?: number;
}

/** The work was not done as it should have been, so how fast it was means nothing. */
export class Void extends Error {
  override readonly name = 'Void';
}
