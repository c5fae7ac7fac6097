/** The door of the language: text in, Machine out; value in, value out. Pure: no clock, no randomness, no I/O. */
export { chooseCatcher } from './catch.js';
export { type Chosen, choiceCompletion, choose } from './choice.js';
export { compileMachine } from './compile.js';
export { type ContextFacts, contextObject } from './context.js';
export {
  type Completion,
  catchCompletion,
  completionOf,
  effectiveInput,
  parametersOf,
  resultOf,
} from './dataflow.js';
export type * from './definition.js';
export { DIAGNOSTIC_CODES, type Diagnostic, type DiagnosticCode } from './diagnostic.js';
export { type DistributedPlan, distributedPlan } from './distributed-map.js';
export { runtimeError, StatesError } from './errors.js';
export { failureOf } from './fail.js';
export {
  ARRAY_FORMATS,
  type ArrayFormat,
  HTTP_METHODS,
  type HttpMethod,
  isForbiddenHeader,
} from './http-request.js';
export {
  type MapLimits,
  mapConcurrency,
  mapItemInput,
  mapItems,
  mapLimits,
  type Tolerated,
  toleratedFailures,
} from './map.js';
export { correlationOf, correlationText, messageResult, messageTimeout } from './message.js';
export { type ParseResult, parseDefinition } from './parse.js';
export { boundBytes, MAX_PAYLOAD_BYTES } from './payload-size.js';
export { QueryError } from './query-error.js';
export { functionNameOf } from './resource.js';
export { chooseRetrier, nextDelayMs } from './retry.js';
export type { Entropy, Scope } from './scope.js';
export { credentialsOf, taskTimeouts } from './task.js';
export {
  applyTransformer,
  type CompiledTransformer,
  compileTransformer,
  type Transformed,
  type TransformerSource,
} from './transformer.js';
export { validateDefinition } from './validate.js';
export { waitUntilMs } from './wait.js';
