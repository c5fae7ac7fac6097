/** The door of the batches: many executions of one machine, under a limit, led by one worker at a time. */

export type { Leader, LeaderOptions } from './leader.js';
export { createLeader } from './leader.js';
export type {
  BatchDoorbell,
  BatchMode,
  BatchStatus,
  BatchStore,
  Chunk,
  LedBatch,
  NewMember,
  OpenMember,
  Runner,
  Slot,
  SlotPool,
  Source,
  StopReason,
} from './ports.js';
export type { Counters, Progress } from './progress.js';
export { progressOf } from './progress.js';
export { stopReasonOf } from './stopping.js';
export { createTransform, type Transform } from './transforming.js';
