/** The door of the store: PostgreSQL, by noun. */
export {
  type ActivityRecord,
  createActivity,
  deleteActivity,
  findActivity,
  hasActivity,
  listActivities,
  TASKS_CHANNEL,
} from './activities.js';
export {
  appendSources,
  dropReceiving,
  type NewBatch,
  openBatch,
  receiveBatch,
  sweepReceiving,
  writeInputs,
} from './batch-intake.js';
export { createBatchStore, openBatches } from './batch-leading.js';
export { type BatchRow, cancelBatch, getBatch, listBatches, type MemberRow, pageMembers } from './batches.js';
export {
  advanceBulkRedrives,
  type BulkRedriveFilter,
  type BulkRedriveRecord,
  type BulkRedriveStatus,
  cancelBulkRedrive,
  createBulkRedrive,
  findBulkRedrive,
  listBulkRedrives,
} from './bulk-redrives.js';
export {
  type ChildAnswer,
  type ChildStart,
  findRunningChild,
  type OrphanedChildren,
  orphanedChildren,
  type StartedChild,
  startChild,
  tellParents,
  untoldChildren,
} from './children.js';
export { type Claimed, type ClaimOptions, type Claims, createClaims, type Tail } from './claims.js';
export {
  type ConnectionRecord,
  deleteConnection,
  findConnection,
  hasSecrets,
  listConnections,
  type NewConnection,
  openConnection,
  writeConnection,
} from './connections.js';
export { InvalidCursor, type PageOf, type PageQuery } from './cursor.js';
export {
  connectDatabase,
  type Database,
  type DatabaseOptions,
  openHot,
  openSolo,
  type StoreLog,
} from './database.js';
export {
  type DeadLetterRecord,
  deleteDeadLetter,
  findDeadLetter,
  listDeadLetters,
  reviveDeadLetter,
} from './dead-letters.js';
export {
  createDefinitions,
  type Definitions,
  type DefinitionsOptions,
  type MachineType,
  type MachineVersion,
} from './definitions.js';
export { createEndings, ENDED_CHANNEL, type Endings } from './endings.js';
export {
  countExecutions,
  type ExecutionFilter,
  type ExecutionRecord,
  type ExecutionStatus,
  executionStatistics,
  findExecution,
  listExecutions,
  markWaited,
  type StatusStatistics,
} from './executions.js';
export { type FaultRelease, releaseFault } from './faults.js';
export { resumeKnownFormats, setAside } from './formats.js';
export { type Admission, type Admitted, admitHeld, heldMachines } from './gates.js';
export { readEventRows, readHistory } from './history.js';
export { isUuid, newId } from './ids.js';
export {
  abortExecution,
  type Delivery,
  deliverSignal,
  INBOX_CHANNEL,
  readSignals,
  STOP_CHANNEL,
  signalledExecutions,
} from './inbox.js';
export { isItemFault as isRefusedData } from './item-fault.js';
export * from './journal.js';
export { clearLeftovers } from './leftovers.js';
export { type LinkRow, listOutcomes, type Relation, readOrigins } from './links.js';
export { type Listener, type ListenerOptions, listen } from './listener.js';
export {
  dropMapRun,
  type NewMapRun,
  openMapRun,
  receiveMapRun,
  writeMapRunInputs,
} from './map-run-intake.js';
export { redriveMapRun } from './map-run-redrives.js';
export { type ChildRow, readMapRunChildren } from './map-run-results.js';
export {
  cancelMapRun,
  cancelOrphanedMapRuns,
  getMapRun,
  listMapRuns,
  type MapRunCounts,
  type MapRunRow,
  tellMapRunParents,
  untoldMapRuns,
} from './map-runs.js';
export {
  awaitMessage,
  type Correlation,
  clearExpiredMessages,
  clearSettledWaits,
  deliverForgotten,
  deliverMessage,
  forgetWait,
  listWaits,
  type MessageWait,
  type SettledPosition,
  type WaitRecord,
  withdrawWait,
} from './messages.js';
export { type MigrateOptions, migrate } from './migrate.js';
export { forbiddenIn, isName, NAME_MAX } from './names.js';
export { overdueMapRunParents, overdueParents } from './overdue-parents.js';
export { type PauseAnswer, pauseExecution, resumeExecution } from './pauses.js';
export {
  ensureQueues,
  hasQueue,
  type LiveWorker,
  listQueues,
  liveWorkers,
  MACHINE_QUEUE_WEIGHT,
  type QueueRecord,
  type QueueStats,
  queueStats,
} from './queues.js';
export {
  type RedriveAnswer,
  type Redriven,
  type RedriveRefusal,
  redriveExecution,
} from './redrives.js';
export { resealSecrets } from './reseal.js';
export {
  clearSpentChunks,
  type Retention,
  type RetentionStep,
  retireBatches,
  retireExecutions,
} from './retention.js';
export {
  awaitedByQueued,
  type Deciding,
  type DueSchedule,
  dueSchedules,
  type Fired,
  fireSchedule,
  runSchedule,
  untilNextRun,
} from './schedule-runs.js';
export {
  changeSchedule,
  createSchedule,
  deleteSchedule,
  findSchedule,
  listSchedules,
  SCHEDULES_CHANNEL,
  type ScheduleChange,
  type ScheduleColumns,
  type ScheduleFilter,
  type ScheduleOutcome,
  type ScheduleRecord,
  type ScheduleStatus,
} from './schedules.js';
export { BATCH_STOP_CHANNEL, MAP_RUN_CHANNEL } from './sql/batch-end.js';
export { GATE_CHANNEL } from './sql/gate.js';
export { createStarts, type StartAnswer, type StartRow, type Starts } from './starts.js';
export {
  changeStateMachine,
  createStateMachine,
  deleteStateMachine,
  findStateMachine,
  hasStateMachine,
  listOpenBatches,
  listOpenExecutions,
  listStateMachines,
  listVersions,
  QUEUES_CHANNEL,
  type Recovery,
  readDefinitions,
  type StateMachineFilter,
  type StateMachineRecord,
  type VersionRecord,
} from './state-machines.js';
export { dueExecutions, freeOrphans, overdueExecutions, type Position, withSweepLock } from './sweep.js';
export { createTaskBell, type TaskBell } from './task-bell.js';
export {
  changeTaskEndpoint,
  createTaskEndpoint,
  deleteTaskEndpoint,
  findTaskEndpoint,
  listTaskEndpoints,
  type NewTaskEndpoint,
  openTaskEndpoint,
  rotateTaskEndpoint,
  type TaskEndpointRecord,
} from './task-endpoints.js';
export {
  type AnswerOutcome,
  answerToken,
  clearDoneTokens,
  issueToken,
  type LeasedTask,
  leaseTask,
  type OfferedTask,
  offerTask,
  type ReturnAddress,
  standingOfToken,
  type TokenAnswer,
  voidToken,
  voidTokensOfEnded,
  withdrawToken,
} from './task-tokens.js';
export {
  createTransformer,
  deleteTransformer,
  findTransformer,
  listTransformers,
  type TransformerRecord,
} from './transformers.js';
export { isUnavailable } from './unavailable.js';
export { createVault, openWith, SecretUnreadable, type Vault } from './vault.js';
export type { Woken } from './waking.js';
export {
  beat,
  type Freed,
  isWorkerAlive,
  leaveWorkers,
  reapWorkers,
  registerWorker,
  type WorkerHello,
} from './workers.js';
