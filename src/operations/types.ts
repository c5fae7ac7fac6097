/**
 * What one may ask of the house, by noun, and how the answers look. Times are `Date`s, payloads parsed
 * JSON; how they are printed is the business of who asks (the API, the command line).
 * Every method refuses with an OperationError from the table in errors.ts and with nothing else.
 */
import type { Json, JsonObject } from '../std/json.js';
import type { ExecutionFilter, ExecutionStatus, Recovery, StatusStatistics } from '../store/index.js';
import type { LinksView, TransformerOperations } from './chaining-types.js';
import type { ConnectionOperations, TaskEndpointOperations } from './http-types.js';
import type { NewRecovery, RecoveryOperations } from './recovery-types.js';
import type { ScheduleOperations } from './schedule-types.js';
import type { ActivityOperations, MessageOperations, TaskTokenOperations } from './waiting-types.js';

export type * from './chaining-types.js';
export type * from './http-types.js';
export type * from './recovery-types.js';
export type * from './schedule-types.js';
export type * from './waiting-types.js';
export type { ExecutionFilter, ExecutionStatus, StatusStatistics };

export interface Operations {
  stateMachines: StateMachineOperations;
  executions: ExecutionOperations;
  batches: BatchOperations;
  mapRuns: MapRunOperations;
  queues: QueueOperations;
  taskTokens: TaskTokenOperations;
  recoveries: RecoveryOperations;
  activities: ActivityOperations;
  transformers: TransformerOperations;
  messages: MessageOperations;
  schedules: ScheduleOperations;
  connections: ConnectionOperations;
  taskEndpoints: TaskEndpointOperations;
  health: HealthOperations;
}

export interface PageRequest {
  /** 1..1000; 50 when absent. */
  limit?: number;
  /** A `nextCursor` of the same list. */
  cursor?: string;
}

export interface Page<T> {
  items: T[];
  /** null: this was the last page. */
  nextCursor: string | null;
}

// State machines

export interface StateMachineOperations {
  /** Makes the machine, and its queue (weight 5) unless it names an existing one. */
  create(request: CreateStateMachine): Promise<StateMachineView>;
  /** Newest first. */
  list(request?: StateMachineFilter & PageRequest): Promise<Page<StateMachineView>>;
  get(id: string): Promise<StateMachineView>;
  /** Changes what is named. A definition that differs is a new version; running executions keep theirs. */
  update(id: string, request: UpdateStateMachine): Promise<StateMachineView>;
  /** Refuses while executions run, unless `force` stops them. */
  remove(id: string, options?: { force?: boolean }): Promise<RemovedStateMachine>;
  /** Newest first. */
  versions(id: string, request?: PageRequest): Promise<Page<StateMachineVersionView>>;
  /** Diagnoses a definition; stores nothing, refuses nothing. */
  validate(definition: Json, type?: string): Promise<ValidationView>;
  statistics(id: string, range?: { startedAfter?: Date; startedBefore?: Date }): Promise<StatisticsView>;
}

export interface CreateStateMachine {
  /** Letters, digits, '-' and '_', at most 80; made from the name when absent. */
  id?: string;
  name: string;
  description?: string | null;
  /** A parsed definition, or JSON or YAML text. */
  definition: Json;
  /** STANDARD (the default), or EXPRESS: at most 5 minutes, and a history of any length. */
  type?: string;
  /** An existing queue; absent: a queue of its own, named as its id. */
  queue?: string;
  metadata?: Json;
  /** Nothing assumes it; it is shown where AWS shows it. */
  roleArn?: string;
  recovery?: NewRecovery | null;
  /** How many of its executions may run at once; what is over is held until others end. Absent or null: no limit. */
  maxConcurrentExecutions?: number | null;
  /** How many of them may begin in a second. */
  startsPerSecond?: number | null;
}

export interface UpdateStateMachine {
  name?: string;
  description?: string | null;
  definition?: Json;
  queue?: string;
  metadata?: Json;
  /** One that differs is a new version, as in AWS; null: none any more. */
  roleArn?: string | null;
  /** null: none any more. Holds for executions that run, too. */
  recovery?: NewRecovery | null;
  /** null: none any more, and what was held is let go. */
  maxConcurrentExecutions?: number | null;
  startsPerSecond?: number | null;
}

export interface StateMachineFilter {
  id?: string;
  /** Part of it, in any case. */
  name?: string;
  type?: string;
  createdAfter?: Date;
  createdBefore?: Date;
}

export interface StateMachineView {
  stateMachineId: string;
  name: string;
  description: string | null;
  type: 'STANDARD' | 'EXPRESS';
  queue: string;
  metadata: Json;
  recovery: Recovery | null;
  maxConcurrentExecutions: number | null;
  startsPerSecond: number | null;
  version: number;
  definition: Json;
  roleArn: string | null;
  createdAt: Date;
  updatedAt: Date;
}

interface StateMachineVersionView {
  version: number;
  definition: Json;
  roleArn: string | null;
  createdAt: Date;
}

export interface RemovedStateMachine {
  stateMachineId: string;
  /** How many executions were asked to stop. */
  stopped: number;
}

export interface ValidationView {
  result: 'OK' | 'FAIL';
  diagnostics: DiagnosticView[];
}

interface DiagnosticView {
  severity: 'ERROR' | 'WARNING';
  code: string;
  /** JSON Pointer into the definition; '' is the whole. */
  pointer: string;
  message: string;
}

interface StatisticsView {
  stateMachineId: string;
  statuses: StatusStatistics[];
}

// Executions

export interface ExecutionOperations {
  /**
   * Starts an execution, once for each (machine, name): the same name and input answer the same execution.
   * With `waitSeconds` it answers when the execution has ended, or as it stands when the time is up.
   */
  start(stateMachineId: string, request: StartExecution, options?: WaitOptions): Promise<ExecutionView>;
  /** Starts an execution on a named queue, now or at a time. */
  enqueue(request: EnqueueExecution): Promise<ExecutionView>;
  /** Newest first. */
  list(request?: ExecutionFilter & PageRequest): Promise<Page<ExecutionView>>;
  count(filter?: ExecutionFilter): Promise<{ count: number }>;
  get(id: string): Promise<ExecutionView>;
  /** The events, as AWS shapes them; oldest first unless `reverse`. */
  history(id: string, request?: PageRequest & { reverse?: boolean }): Promise<Page<AwsHistoryEvent>>;
  /** What became of each state that was entered, in order. */
  states(id: string, request?: PageRequest): Promise<Page<StateRecordView>>;
  /** What it came from, and what came of it, newest first. */
  links(id: string, request?: PageRequest): Promise<LinksView>;
  /** Stops an execution: ABORTED, with this error and cause. Answers once it has ended, or after 2 s. */
  stop(id: string, reason?: { error?: string; cause?: string }): Promise<ExecutionView>;
}

export interface StartExecution {
  /** As AWS has it: 1..80 characters; unique in the machine. Made when absent. */
  name?: string;
  /** `{}` when absent. Not together with a source. */
  input?: Json;
  /** An existing queue; absent: the machine's. */
  queue?: string;
  /** Chaining: this execution's output is the input … */
  sourceExecutionId?: string;
  /** … or the output of this state of it, the last time it was left. */
  sourceStateName?: string;
  /** … made into an input by a JSONata expression, or by the stored one of this name. */
  sourceInputTransformer?: string;
}

interface EnqueueExecution extends StartExecution {
  stateMachineId: string;
  queue: string;
  /** Not to be taken up before. */
  at?: Date;
}

export interface WaitOptions {
  waitSeconds?: number;
  /** Whoever waits has gone. */
  signal?: AbortSignal;
}

export interface ExecutionView {
  executionId: string;
  stateMachineId: string;
  version: number;
  name: string;
  status: ExecutionStatus;
  /** The state it is in, or the last one it was in when it ended; null before the first. */
  currentState: string | null;
  input: Json;
  /** null while there is none; only SUCCEEDED executions have one. */
  output: Json;
  error: string | null;
  cause: string | null;
  startTime: Date;
  endTime: Date | null;
  queue: string;
  batchId: string | null;
  sourceExecutionId: string | null;
  /** The execution whose state started it. */
  parentExecutionId: string | null;
  redriveCount: number;
  /** The last redrive. */
  redriveDate: Date | null;
  /** Since when nobody is to advance it. */
  /** Since when, or from when on, it waits for a place in its limited machine; null: it does not. */
  heldAt: Date | null;
  pausedAt: Date | null;
  pauseReason: string | null;
  /** The schedule that started it. */
  scheduleId: string | null;
  /** The instant of the schedule that it was started for. */
  scheduledTime: Date | null;
}

/**
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html, but for the
 * timestamp, which is a Date. `input`, `output` and their like are JSON text in the details, as in AWS.
 */
interface AwsHistoryEvent {
  id: number;
  previousEventId: number;
  type: string;
  timestamp: Date;
  [detailsKey: `${string}EventDetails`]: JsonObject;
}

interface StateRecordView {
  stateName: string;
  stateType: string;
  status: string;
  input: Json;
  output: Json;
  error: string | null;
  startTime: Date;
  endTime: Date | null;
  retryCount: number;
  sequenceNumber: number;
}

// Batches

export interface BatchOperations {
  create(stateMachineId: string, request: CreateBatch): Promise<BatchView>;
  /** Newest first. */
  list(request?: { stateMachineId?: string; status?: BatchStatus } & PageRequest): Promise<Page<BatchView>>;
  get(id: string): Promise<BatchView>;
  cancel(id: string): Promise<BatchView>;
  /** One line a member, by index. */
  results(id: string, request?: PageRequest): Promise<Page<BatchResultView>>;
}

export type BatchMode = 'distributed' | 'concurrent' | 'sequential';
export type BatchStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'ABORTED';

/** Exactly one of filter, inputs and inputStream. */
export interface CreateBatch extends WaitOptions {
  mode: BatchMode;
  /** Members are named `<namePrefix>-<index>`. Made when absent. */
  namePrefix?: string;
  /** How many members run at once. */
  concurrency?: number;
  stopOnError?: boolean;
  queue?: string;
  filter?: BatchFilter;
  inputs?: Json[];
  /** Parsed NDJSON lines; a bad line throws INVALID_INPUT with pointer '/<line>'. */
  inputStream?: AsyncIterable<InputLine>;
}

/** A line of an NDJSON body, from 1: blank ones count, and are not here. */
export interface InputLine {
  line: number;
  value: Json;
}

/** Which executions are the sources. */
export interface BatchFilter {
  stateMachineId?: string;
  /** Absent: SUCCEEDED without a source state, any with one. */
  status?: ExecutionStatus;
  currentState?: string;
  name?: string;
  startedAfter?: Date;
  startedBefore?: Date;
  limit?: number;
  offset?: number;
  /** The output of this state is the input, instead of the execution's. */
  sourceStateName?: string;
  /** A JSONata expression, or the name of a stored one, that makes the input from that output. */
  sourceInputTransformer?: string;
  /** Sources that were, or were not, chained into this machine. */
  chainedInto?: string;
  notChainedInto?: string;
  /** Leave out sources that the machine was run for already; a member that never ran does not count. */
  applyUnique?: boolean;
}

export interface BatchView {
  batchId: string;
  stateMachineId: string;
  version: number;
  mode: BatchMode;
  status: BatchStatus;
  namePrefix: string;
  concurrency: number;
  stopOnError: boolean;
  queue: string;
  total: number;
  started: number;
  succeeded: number;
  failed: number;
  aborted: number;
  ratePerSecond: number | null;
  estimatedEnd: Date | null;
  createdAt: Date;
  endTime: Date | null;
}

interface BatchResultView {
  index: number;
  sourceExecutionId: string | null;
  executionId: string | null;
  status: ExecutionStatus;
  error: string | null;
}

// Queues

export interface QueueOperations {
  stats(): Promise<QueueStatsView>;
  /** Oldest first. */
  deadLetters(queue: string, request?: PageRequest): Promise<Page<DeadLetterView>>;
  deadLetter(queue: string, id: string): Promise<DeadLetterView>;
  /** Runs it again, from where it stood. */
  retryDeadLetter(queue: string, id: string): Promise<DeadLetterView>;
  /** Gives it up: its execution ends ABORTED. */
  dropDeadLetter(queue: string, id: string): Promise<DeadLetterView>;
}

export interface QueueStatsView {
  queues: QueueView[];
  workers: WorkerView[];
}

interface QueueView {
  name: string;
  weight: number;
  stateMachineId: string | null;
  /** Executions that could be advanced now and are not. */
  waiting: number;
  /** Executions that a worker is advancing. */
  active: number;
  /** Executions that are to be advanced later: timers, retries, starts at a time. */
  delayed: number;
  completed: number;
  failed: number;
  /** How long the oldest of the waiting has waited. */
  oldestAgeSeconds: number | null;
}

interface WorkerView {
  workerId: string;
  host: string;
  pid: number;
  queues: string[];
  concurrency: number;
  /** How many executions it is advancing. */
  running: number;
  startedAt: Date;
  heartbeatAt: Date;
}

export interface DeadLetterView {
  id: string;
  queue: string;
  executionId: string;
  error: string;
  attempts: number;
  failedAt: Date;
}

// Map runs

export interface MapRunOperations {
  get(id: string): Promise<MapRunView>;
  /** Those of an execution, newest first. */
  list(executionId: string, request?: PageRequest): Promise<Page<MapRunView>>;
}

export interface MapRunView {
  mapRunId: string;
  mapRunArn: string;
  /** The execution whose Map state it belongs to. */
  executionId: string;
  stateName: string;
  /** Of its child executions: `<machine>/<label>`. */
  stateMachineId: string;
  status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'ABORTED';
  /** 0: no limit of the definition's. */
  maxConcurrency: number;
  toleratedFailureCount: number;
  toleratedFailurePercentage: number;
  executionCounts: MapRunCountsView;
  itemCounts: MapRunCountsView;
  startTime: Date;
  endTime: Date | null;
  /** Taken up again with its execution. */
  redriveCount: number;
  redriveDate: Date | null;
}

/** Each is counted once. */
export interface MapRunCountsView {
  total: number;
  /** Not started yet, or not taken up again yet. */
  pending: number;
  running: number;
  succeeded: number;
  failed: number;
  timedOut: number;
  /** Stopped, or never started. */
  aborted: number;
}

// Health

export interface HealthOperations {
  ready(): Promise<HealthView>;
  /**
   * Resolves when those who wait for a session of the database now have had one; rejects when it cannot be reached.
   * undefined: nobody waits.
   */
  sessionTurn(): Promise<void> | undefined;
}

interface HealthView {
  ready: boolean;
  database: 'up' | 'down';
  queue: 'up' | 'down';
}
