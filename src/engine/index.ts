/** The door of the engine: the durable machine, as pure decisions, and the ports that it asks of the world. */

export { Activation, type ActivationEnd, type ActivationOptions, type Standing } from './activation.js';
export { type Arns, activityNameIn, connectionNameIn, createArns, stateMachineIdIn } from './arns.js';
export type * from './connection.js';
export type * from './effects.js';
export type { EventType, HistoryEvent } from './events.js';
export type { Frame, Phase, RunMeta } from './frame.js';
export { FRAME_FORMAT, LaterFormat } from './frame-format.js';
export { type AwsEvent, toAwsEvent } from './history.js';
export {
  childInputs,
  childInputsFrom,
  distributedMapOf,
  EXPRESS_SECONDS,
  type MapRunItem,
  processorMachine,
} from './map-run.js';
export * from './ports.js';
export {
  type About,
  applyDelta,
  currentState,
  fold,
  isEnded,
  mergeAllDeltas,
  newRun,
  nextWakeAt,
  pendingInvocations,
  type Run,
  snapshotOf,
} from './run.js';
export { deriveStateRecords, outputOfState, type StateRecord, type StateStatus } from './state-records.js';
export {
  type Happening,
  isEmpty,
  MAX_TRANSITIONS,
  mergeAllSteps,
  type Step,
  step,
} from './step.js';
