/** Schedules, as one asks for them and as they are shown (types.ts). */
import type { MissedPolicy, OverlapPolicy } from '../schedules/index.js';
import type { Json } from '../std/json.js';
import type { ExecutionStatus, ScheduleFilter, ScheduleStatus } from '../store/index.js';
import type { ExecutionView, Page, PageRequest } from './types.js';

export type { MissedPolicy, OverlapPolicy, ScheduleFilter, ScheduleStatus };

export interface ScheduleOperations {
  create(request: CreateSchedule): Promise<ScheduleView>;
  /** By id. */
  list(request?: ScheduleFilter & PageRequest): Promise<Page<ScheduleView>>;
  get(id: string): Promise<ScheduleView>;
  /** Changes what is named. Other times take effect from now on; so does resuming: what was due meanwhile is not made up for. */
  update(id: string, request: ChangeableSchedule): Promise<ScheduleView>;
  /** What it has started runs on. */
  remove(id: string): Promise<{ scheduleId: string }>;
  /** Starts one now, whatever its times and its policy say, also while it is paused. */
  run(id: string): Promise<ExecutionView>;
  /** The next instants, and the latest runs. */
  runs(id: string, request?: { limit?: number }): Promise<ScheduleRunsView>;
}

/** What is named is changed; a cron expression takes the place of an interval, and the other way round. */
export interface ChangeableSchedule {
  description?: string | null;
  /** `{}` when absent. `<aws.scheduler.scheduled-time>` in a text stands for the instant. */
  input?: Json;
  /** An existing queue; null: the machine's. */
  queue?: string | null;
  /** 5 fields, or 6 with seconds first. */
  cron?: string;
  /** Of the cron expression: an IANA name; UTC when absent. */
  timeZone?: string;
  intervalSeconds?: number;
  /** Not due before; null: no bound. Intervals are counted from it. */
  startAt?: Date | null;
  /** Not due after; null: no bound. */
  endAt?: Date | null;
  /** SKIP when absent. */
  overlap?: OverlapPolicy;
  /** LAST when absent. */
  missed?: MissedPolicy;
  paused?: boolean;
}

export interface CreateSchedule extends ChangeableSchedule {
  /** Letters, digits, '-' and '_', at most 60; made when absent. */
  id?: string;
  stateMachineId: string;
}

export interface ScheduleTimes {
  cron: string | null;
  timeZone: string;
  intervalSeconds: number | null;
  startAt: Date | null;
  endAt: Date | null;
}

export interface ScheduleView extends ScheduleTimes {
  scheduleId: string;
  stateMachineId: string;
  description: string | null;
  /** ENDED: there is nothing to come any more. */
  status: ScheduleStatus;
  /** Why it is paused, when nobody asked for it. */
  pauseReason: string | null;
  input: Json;
  queue: string | null;
  overlap: OverlapPolicy;
  missed: MissedPolicy;
  nextRunAt: Date | null;
  /** The instant of the run that waits for an earlier one to end. */
  queuedFor: Date | null;
  /** The instant of the latest run. */
  lastRunAt: Date | null;
  lastExecutionId: string | null;
  /** How many executions it has started. */
  started: number;
  /** How many instants were left out because an earlier run was running. */
  skipped: number;
  createdAt: Date;
  updatedAt: Date;
}

interface ScheduleRunsView {
  /** None while it is paused. */
  next: Date[];
  /** Newest first. */
  last: ScheduleRunView[];
}

interface ScheduleRunView {
  executionId: string;
  name: string;
  status: ExecutionStatus;
  scheduledTime: Date;
  startTime: Date;
  endTime: Date | null;
}
