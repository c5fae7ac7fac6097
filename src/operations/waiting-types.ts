/** What one may ask of what waits: task tokens, activities, messages. */
import type { Json } from '../std/json.js';
import type { Page, PageRequest, WaitOptions } from './types.js';

// Task tokens

/**
 * Each refuses with TASK_NOT_FOUND what never was a token, and with TASK_ENDED what was answered, was given up, or
 * belongs to an execution that has ended.
 */
export interface TaskTokenOperations {
  succeed(token: string, output: Json): Promise<void>;
  fail(token: string, reason?: { error?: string; cause?: string }): Promise<void>;
  /** The state's HeartbeatSeconds start anew. */
  beat(token: string): Promise<void>;
}

// Activities

export interface ActivityOperations {
  /** Making it again changes nothing; `created` says which. */
  create(name: string): Promise<{ created: boolean; activity: ActivityView }>;
  /** By name. */
  list(request?: PageRequest): Promise<Page<ActivityView>>;
  get(name: string): Promise<ActivityView>;
  /** Tasks that wait for a worker keep waiting until their time is up. */
  remove(name: string): Promise<{ name: string }>;
  /** Takes the oldest task; undefined: none came in the time. */
  poll(name: string, options?: WaitOptions & { workerName?: string }): Promise<ActivityTask | undefined>;
}

export interface ActivityView {
  name: string;
  /** As a Task state's Resource has it. */
  activityArn: string;
  createdAt: Date;
  /** Tasks that no worker has taken. */
  waiting: number;
}

export interface ActivityTask {
  taskToken: string;
  input: Json;
}

// Messages

export interface MessageOperations {
  /** Gives a message to every Message state that waits for its key and value; when none does, it is kept for the first that will. */
  send(message: NewMessage): Promise<{ delivered: number; kept: boolean }>;
  /** Who waits for a message in the executions of a machine, longest first. */
  waiting(stateMachineId: string, request?: PageRequest): Promise<Page<MessageWaitView>>;
}

interface NewMessage {
  correlationKey: string;
  correlationValue: Json;
  data: Json;
  /** How long it is kept when nobody waits for it; 3,600 when absent, 0: not at all. */
  ttlSeconds?: number;
}

interface MessageWaitView {
  executionId: string;
  stateName: string;
  correlationKey: string;
  /** A string as it is, anything else as JSON text. */
  correlationValue: string;
  since: Date;
  timeoutAt: Date | null;
}
