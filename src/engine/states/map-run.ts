/**
 * A distributed Map (https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html): its items
 * become executions of their own, a map run. The frame starts the run, waits for its end, and gathers what came of it.
 */
import {
  completionOf,
  type DistributedMap,
  distributedPlan,
  effectiveInput,
  type MapState,
  mapConcurrency,
  mapItems,
  QueryError,
  resultOf,
  type Scope,
  StatesError,
  toleratedFailures,
} from '../../asl/index.js';
import type { Json } from '../../std/json.js';
import { after, type Maybe } from '../../std/maybe.js';
import { createArns } from '../arns.js';
import { type Draft, record, recordAside } from '../draft.js';
import type { BegunMapRun, MapRunRequest } from '../effects.js';
import type { AwaitPhase, Frame, TaskPhase } from '../frame.js';
import { exits, type Failure, type Outcome, waits } from '../outcome.js';
import { boundBytes } from '../payload.js';
import type { EndedMapRun, TaskOutcome } from '../ports.js';
import { scopeOf } from '../scope.js';
import { call, keyOf, wait } from './task-call.js';

export function startMapRun(
  draft: Draft,
  frame: Frame,
  state: MapState,
  distributed: DistributedMap,
): Maybe<Outcome> {
  const scope = scopeOf(draft, frame, state);
  const input = effectiveInput(state, scope);
  return after(mapConcurrency(state, scope, input), (maxConcurrency) =>
    after(distributed.itemReader === undefined ? mapItems(state, scope, input) : undefined, (items) => {
      record(draft, frame, 'MapStateStarted', { length: items?.length ?? 0 });
      return after(toleratedFailures(state, scope, input), (tolerated) =>
        after(distributedPlan(state, distributed, scope, input), (plan) => {
          const made = { maxConcurrency, ...tolerated, ...(items !== undefined && { items }), plan };
          return begin(draft, frame, distributed.label, scope, input, made);
        }),
      );
    }),
  );
}

function begin(
  draft: Draft,
  frame: Frame,
  label: string,
  scope: Scope,
  effective: Json,
  made: Pick<MapRunRequest, 'maxConcurrency' | 'items' | 'plan'> & Partial<MapRunRequest>,
): Outcome {
  const { about, entropy } = draft.run;
  const mapRunId = entropy.uuid();
  const arns = about.arns ?? PLAIN_ARNS;
  // A child's machine is called after its parent's and its Map: the first part is what was created.
  const mapRunArn = arns.mapRun(about.stateMachineName.split('/', 1)[0] ?? '', label, mapRunId);
  record(draft, frame, 'MapRunStarted', { mapRunArn });
  if (frame.mapRun !== undefined) delete frame.mapRun;
  draft.bytes += boundBytes(effective);
  const request: MapRunRequest = {
    mapRunId,
    mapRunArn,
    label,
    ...made,
    scope: {
      input: scope.input,
      ...(effective !== scope.input && { effectiveInput: effective }),
      context: { ...scope.context },
      variables: scope.variables,
    },
  };
  return call(draft, frame, {
    kind: 'task',
    key: keyOf(draft, frame),
    call: { kind: 'startMapRun', request },
  });
}

/**
 * Of a redriven execution: the map run goes on with what has not succeeded of it
 * (https://docs.aws.amazon.com/step-functions/latest/dg/redrive-map-run.html).
 */
export function redriveMapRun(draft: Draft, frame: Frame, begun: BegunMapRun): Outcome {
  const run = { ...begun, redriveCount: begun.redriveCount + 1 };
  frame.mapRun = run;
  record(draft, frame, 'MapRunRedriven', { mapRunArn: run.mapRunArn, redriveCount: run.redriveCount });
  return call(draft, frame, {
    kind: 'task',
    key: keyOf(draft, frame),
    call: { kind: 'redriveMapRun', run },
  });
}

const PLAIN_ARNS = createArns({ region: 'us-east-1', accountId: '000000000000' });

/** The run has begun, or its results have been gathered; or neither could be done. */
export function answerMapRun(
  draft: Draft,
  frame: Frame,
  state: MapState,
  phase: TaskPhase,
  outcome: TaskOutcome,
): Maybe<Outcome> {
  const { call } = phase;
  if (call.kind === 'startMapRun') {
    if (!outcome.ok) return failRun(draft, frame, expressionsOwn(outcome));
    const { mapRunId, mapRunArn, plan } = call.request;
    const { writer } = plan;
    return goesOn(draft, frame, state, phase, {
      mapRunId,
      mapRunArn,
      ...(writer !== undefined && { writer }),
      redriveCount: 0,
    });
  }
  if (call.kind === 'redriveMapRun') {
    if (!outcome.ok) return failRun(draft, frame, outcome);
    // Nothing is left of it: all of its items are done anew.
    if (outcome.output === null && state.distributed !== undefined)
      return startMapRun(draft, frame, state, state.distributed);
    return goesOn(draft, frame, state, phase, call.run);
  }
  if (call.kind !== 'finishMapRun') throw new Error(`a map run does not ask for ${call.kind}`);
  if (phase.ended !== undefined && phase.ended.status !== 'SUCCEEDED')
    return failRun(draft, frame, failureOfRun(phase.ended));
  if (!outcome.ok) return failRun(draft, frame, outcome);
  const succeeded = record(draft, frame, 'MapRunSucceeded');
  recordAside(draft, succeeded, 'MapStateSucceeded');
  const scope = scopeOf(draft, frame, state);
  return after(completionOf(state, scope, resultOf(state, scope, outcome.output)), (completion) =>
    exits(completion, state.next),
  );
}

/** The run is under way, or over already. */
function goesOn(draft: Draft, frame: Frame, state: MapState, phase: TaskPhase, run: BegunMapRun): Outcome {
  frame.mapRun = run;
  if (phase.ended !== undefined) return finish(draft, frame, state, run, phase.ended);
  const { redriveCount: _, ...awaited } = run;
  return wait(frame, phase, { kind: 'mapRun', ...awaited });
}

/** All children have ended, or enough of them have failed. */
export function endMapRun(
  draft: Draft,
  frame: Frame,
  state: MapState,
  phase: TaskPhase | AwaitPhase,
  run: EndedMapRun,
): Outcome {
  if (phase.kind === 'awaiting') {
    return phase.awaited.kind === 'mapRun' ? finish(draft, frame, state, phase.awaited, run) : waits;
  }
  // Quicker than the answer that it has begun.
  if (phase.call.kind === 'startMapRun' || phase.call.kind === 'redriveMapRun')
    frame.phase = { ...phase, ended: run };
  return waits;
}

/** What has failed is exported, too, if the Map has a ResultWriter. */
function finish(
  draft: Draft,
  frame: Frame,
  state: MapState,
  { mapRunId, mapRunArn, writer }: Omit<BegunMapRun, 'redriveCount'>,
  run: EndedMapRun,
): Outcome {
  if (run.status === 'ABORTED' || (run.status === 'FAILED' && writer === undefined))
    return failRun(draft, frame, failureOfRun(run));
  return call(draft, frame, {
    kind: 'task',
    key: `${keyOf(draft, frame)}/results`,
    call: {
      kind: 'finishMapRun',
      mapRunId,
      mapRunArn,
      label: state.distributed?.label ?? '',
      ...(writer !== undefined && { writer }),
    },
    ended: run,
  });
}

function failRun(draft: Draft, frame: Frame, { error, cause }: Failure): Outcome {
  const failure = { ...(error !== undefined && { error }), ...(cause !== undefined && { cause }) };
  record(draft, frame, 'MapRunFailed', failure);
  return { kind: 'fails', failure };
}

/**
 * An ItemSelector fails a distributed Map as it fails an inline one: told with the state, and by an event of its own.
 * @throws StatesError for the errors of paths and expressions.
 */
function expressionsOwn(failure: Failure): Failure {
  const { error, cause = '' } = failure;
  if (error === 'States.Runtime') throw new StatesError(error, cause);
  if (error === 'States.QueryEvaluationError') throw new QueryError(cause);
  return failure;
}

function failureOfRun(run: EndedMapRun): Failure {
  if (run.status === 'ABORTED') return { error: 'States.TaskFailed', cause: 'The map run was cancelled.' };
  return {
    error: run.error ?? 'States.ExceedToleratedFailureThreshold',
    cause: run.cause ?? 'The specified tolerated failure threshold was exceeded',
  };
}
