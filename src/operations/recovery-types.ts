/** What one may ask about executions that did not go well: redrives, pauses, and what machines say of their workers' deaths. */
import type { Json } from '../std/json.js';
import type { BulkRedriveFilter, BulkRedriveStatus, Recovery } from '../store/index.js';
import type { ExecutionView, Page, PageRequest } from './types.js';

export type { BulkRedriveFilter, BulkRedriveStatus, Recovery };

export interface RecoveryOperations {
  /**
   * Takes an execution up again that has ended without success, from the states that it had not left. Once for a
   * `clientToken`, within 15 minutes: the same token answers the same date. Refuses with EXECUTION_NOT_REDRIVABLE.
   */
  redrive(
    id: string,
    request?: { clientToken?: string },
  ): Promise<{ executionId: string; redriveDate: Date }>;
  /** Redrives, in the background, all that the filter finds now. */
  redriveAll(filter: BulkRedriveFilter): Promise<BulkRedriveView>;
  bulkRedrive(id: string): Promise<BulkRedriveView>;
  /** Newest first. */
  listBulkRedrives(request?: PageRequest & { status?: BulkRedriveStatus }): Promise<Page<BulkRedriveView>>;
  /** No more are redriven; those that have been go on. Refuses with REDRIVE_ENDED. */
  cancelBulkRedrive(id: string): Promise<BulkRedriveView>;
  /** From now on nobody advances it: calls under way end, no other is made. One that is paused stays so. */
  pause(id: string, request?: { reason?: string }): Promise<ExecutionView>;
  /** One that is not paused stays so. */
  resume(id: string): Promise<ExecutionView>;
}

export interface BulkRedriveView {
  redriveId: string;
  /** ABORTED: it was cancelled. */
  status: BulkRedriveStatus;
  filter: Json;
  redriven: number;
  refused: number;
  createdAt: Date;
  endTime: Date | null;
}

/** What is to become of an execution whose worker died while it was advancing it. */
export interface NewRecovery {
  /** `retry` when absent. */
  strategy?: Recovery['strategy'];
  /** Of `skip`: what the interrupted state is left with; absent: its input. */
  output?: Json;
  /** After so many in a row it is paused; 3 when absent. */
  maxRecoveries?: number;
}
