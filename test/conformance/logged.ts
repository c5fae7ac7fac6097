/** Log events of an execution, against its history: the case does not say what its log was to hold. */
import { isObject, type JsonObject } from '../../src/std/json.js';
import type { Same } from './difference.js';

/** The last event of a log: it is there, whole. */
export function compareLastLogged(
  want: JsonObject,
  events: readonly JsonObject[],
  executionArn: string,
  same: Same,
): string | undefined {
  const last = events.at(-1);
  return same('last event', want, last && loggedForm(last, executionArn));
}

/** Which events a log holds is up to its level; those that it holds are the history's, without some data perhaps. */
export function compareLogged(
  logged: readonly JsonObject[],
  events: readonly JsonObject[],
  executionArn: string,
  same: Same,
): string | undefined {
  for (const want of logged) {
    const event = events.find(({ id }) => String(id) === want['id']);
    const have = event && loggedForm(event, executionArn);
    const found = same(`logged event ${String(want['id'])}`, want, have && withoutData(have, want));
    if (found !== undefined) return found;
  }
  return undefined;
}

function loggedForm({ id, previousEventId, type, ...rest }: JsonObject, executionArn: string): JsonObject {
  return {
    id: String(id),
    previous_event_id: String(previousEventId),
    type: type ?? null,
    details: Object.values(rest)[0] ?? {},
    execution_arn: executionArn,
    redrive_count: '0',
  };
}

/** What a log without execution data leaves out, where the recorded event lacks it; and its timestamp. */
function withoutData(have: JsonObject, want: JsonObject): JsonObject {
  const [details, recorded] = [have['details'], want['details']];
  if (!isObject(details) || !isObject(recorded)) return have;
  const shown = Object.entries(details).filter(([key]) => key in recorded || !DATA.has(key));
  return { ...have, details: Object.fromEntries(shown) };
}

const DATA = new Set(
  ['input', 'output', 'parameters', 'assignedVariables'].flatMap((name) => [name, `${name}Details`]),
);
