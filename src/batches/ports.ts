/**
 * What leading a batch needs of the world, and the words that the rooms below use for it.
 *
 * A batch is led by one worker at a time, which holds it as it holds executions: by its own row in
 * `workers`. Everything that a leader knows can be read again, so another takes over at any point.
 */
import type { HistoryEvent } from '../engine/index.js';

export type BatchMode = 'distributed' | 'concurrent' | 'sequential';

/**
 * RECEIVING: its sources are still being written down. STOPPING: a member failed, and stopOnError is set.
 * CANCELLING: somebody asked. In both no member is created any more, and the rest is being stopped.
 * Then SUCCEEDED, FAILED (a member did not succeed) or ABORTED (cancelled).
 */
export type BatchStatus =
  | 'RECEIVING'
  | 'RUNNING'
  | 'STOPPING'
  | 'CANCELLING'
  | 'SUCCEEDED'
  | 'FAILED'
  | 'ABORTED';

/** A batch that is not over, as its leader sees it. */
export interface LedBatch {
  batchId: string;
  /** A map run is a batch of children that an execution has, and goes on when they have ended. */
  mode: BatchMode | 'mapRun';
  status: 'RUNNING' | 'STOPPING' | 'CANCELLING';
  /** How many members run at once; 0: no limit, of a map run AWS's. */
  concurrency: number;
  stopOnError: boolean;
  queue: string;
  /** The output of this state of a source is the input; undefined: the source's output. */
  sourceStateName: string | undefined;
  /** A JSONata expression that makes the input from that output; undefined: it is the input as it is. */
  sourceTransformer: string | undefined;
  total: number;
  /** Members created; the index of the next one. */
  started: number;
  /** Members counted as ended. */
  ended: number;
  /** Of a map run that was redriven: created members that have ended, are not counted, and are to be taken up again. */
  toRedrive: number;
  /** The index from which on they are looked for. */
  redriveIndex: number;
  /** A member of this map run has several items (ItemBatcher). */
  batched: boolean;
}

/** A member to be created: one that runs, or one whose source has nothing to offer, failed from the start. */
export type NewMember =
  | {
      kind: 'runnable';
      input: string;
      sourceExecutionId: string | undefined;
      /** How many items of a map run it has; absent: one. */
      items?: number;
    }
  | { kind: 'failed'; error: string; cause: string; sourceExecutionId: string };

/** What some members are made from. `inputs` are JSON texts. */
export type Chunk = { firstIndex: number } & (
  | { kind: 'inputs'; inputs: string[] }
  | { kind: 'sources'; executionIds: string[] }
);

/** A source execution, as far as its members' inputs go. */
export interface Source {
  executionId: string;
  name: string;
  stateMachineId: string;
  status: string;
  /** JSON text; undefined: it has none. */
  output: string | undefined;
  /** Only when a state was asked for: the events around that state's name, in order. */
  events: HistoryEvent[];
}

/** PostgreSQL, as a leader sees it. What is refused is refused because the worker no longer leads the batch. */
export interface BatchStore {
  /** Takes an open batch that nobody leads. undefined: it is over, led by another, or this worker is dead. */
  claim(workerId: string, batchId: string): Promise<LedBatch | undefined>;
  /** The batch as it stands; undefined: it is over, or not this worker's. */
  read(workerId: string, batchId: string): Promise<LedBatch | undefined>;
  release(workerId: string, batchId: string): Promise<void>;

  /** The chunk that holds the source of the member at `index`. */
  readChunk(batchId: string, index: number): Promise<Chunk>;
  /** In the order asked for; one that does not exist is left out. */
  readSources(executionIds: readonly string[], stateName: string | undefined): Promise<Source[]>;

  /**
   * Creates the members from index `from` on, all or none, exactly once whoever tries.
   * @returns the ids of those that are to run; undefined: nothing was created, since the batch is not
   *   RUNNING, stands elsewhere, or is not this worker's.
   */
  createMembers(request: {
    workerId: string;
    batchId: string;
    from: number;
    members: readonly NewMember[];
  }): Promise<string[] | undefined>;

  /**
   * Takes members of a redriven map run up again that have ended without success, from index `from` on, at most `limit`,
   * exactly once whoever tries.
   * @returns how the run stands afterwards, and whom to ring for; undefined as for `createMembers`.
   */
  redriveMembers(request: {
    workerId: string;
    batchId: string;
    from: number;
    limit: number;
  }): Promise<{ executionIds: string[]; toRedrive: number; redriveIndex: number } | undefined>;

  /**
   * Ends members that no worker has claimed yet as ABORTED, from an index on, at most `limit`.
   * @returns how many, and the last index looked at.
   */
  abortUnclaimed(request: {
    workerId: string;
    batchId: string;
    from: number;
    limit: number;
    reason: StopReason;
  }): Promise<{ count: number; lastIndex: number }>;
  /** Asks a running member to stop. @returns whether nobody is advancing it, so that a doorbell is due. */
  stopMember(executionId: string, reason: StopReason): Promise<{ ring: boolean }>;

  /** Members that have not ended, from an index on, in order. */
  openMembers(batchId: string, from: number, limit: number): Promise<OpenMember[]>;
  /** Which of these have not ended. */
  stillOpen(executionIds: readonly string[]): Promise<string[]>;

  /**
   * Tells a map run's parent that it is over, if it is and nobody has.
   * @returns where to ring, when nobody is advancing the parent.
   */
  tellParent(batchId: string): Promise<{ queue: string; executionId: string } | undefined>;
}

export interface OpenMember {
  executionId: string;
  index: number;
  /** Nobody is advancing it, and it is due. */
  runnable: boolean;
}

export interface StopReason {
  error: string;
  cause: string;
}

/** The queue, as a leader sees it. Either may reject; the sweeper rings again. */
export interface BatchDoorbell {
  ringBatch(queue: string, batchId: string): Promise<void>;
  /** Rings for executions, `chunkSize` of them with one job. */
  ringChunks(queue: string, executionIds: readonly string[], chunkSize: number): Promise<void>;
}

/** A place in which this worker advances one execution. */
export interface Slot {
  release(): void;
}

export interface SlotPool {
  /** Waits for a free slot. Rejects when the signal aborts. */
  acquire(queue: string, signal: AbortSignal): Promise<Slot>;
}

/** Advances executions in this process. */
export interface Runner {
  /**
   * Claims an execution and advances it until it leaves; releases the slot whatever happens.
   * `elsewhere`: it was not to be had. `fault`: infrastructure kept it from going on; it is tried again later.
   */
  run(executionId: string, slot: Slot): Promise<'ended' | 'parked' | 'elsewhere' | 'fault'>;
}
