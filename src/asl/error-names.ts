/**
 * Whether a Retrier's or Catcher's ErrorEquals names an error (https://states-language.net/spec.html#errors).
 * States.ALL names every error, States.TaskFailed every one but a timeout; States.Timeout also means a
 * missed heartbeat. Nothing handles States.Runtime: it ends the execution, even if it is named.
 */
export function matchesError(errorEquals: readonly string[], errorName: string): boolean {
  if (errorName === 'States.Runtime') return false;
  return errorEquals.some((wanted) => wanted === errorName || matchesWildcard(wanted, errorName));
}

function matchesWildcard(wanted: string, errorName: string): boolean {
  switch (wanted) {
    case 'States.ALL':
      return true;
    case 'States.TaskFailed':
      return errorName !== 'States.Timeout';
    case 'States.Timeout':
      return errorName === 'States.HeartbeatTimeout';
    default:
      return false;
  }
}

/** Whether the spec or AWS reserves a name that begins with `States.`: then an error may be called so. */
export function isReservedError(name: string): boolean {
  return RESERVED_ERRORS.has(name) || /^States\.Http\.StatusCode\.[1-5]\d\d$/.test(name);
}

const RESERVED_ERRORS: ReadonlySet<string> = new Set([
  'States.ALL',
  'States.HeartbeatTimeout',
  'States.Timeout',
  'States.TaskFailed',
  'States.Permissions',
  'States.ResultPathMatchFailure',
  'States.ParameterPathFailure',
  'States.QueryEvaluationError',
  'States.BranchFailed',
  'States.NoChoiceMatched',
  'States.IntrinsicFailure',
  'States.ExceedToleratedFailureThreshold',
  'States.ItemReaderFailed',
  'States.ResultWriterFailed',
  'States.DataLimitExceeded',
  'States.Runtime',
  'States.Http.Socket',
  'States.Http.StatusCodeNotFound',
]);
