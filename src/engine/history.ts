import { isObject, type Json, type JsonObject, setField } from '../std/json.js';
import type { EventType, HistoryEvent } from './events.js';

/** An event as AWS shows it, but for `timestamp`, which is still ms since the epoch. */
export interface AwsEvent {
  id: number;
  previousEventId: number;
  type: EventType;
  timestamp: number;
  /** One `…EventDetails`, where the type has one. */
  [details: `${string}EventDetails`]: JsonObject;
}

/**
 * A journal's event in AWS's shape: values as JSON text, details under the name that the type has for
 * them (https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html).
 */
export function toAwsEvent(event: HistoryEvent): AwsEvent {
  const { id, previousEventId, type, timestamp, details } = event;
  const shown: AwsEvent = { id, previousEventId, type, timestamp };
  if (details !== undefined) shown[detailsKey(type)] = showDetails(details);
  return shown;
}

/** Entered and Exited share one name each; every other type has its own. */
function detailsKey(type: EventType): `${string}EventDetails` {
  if (type.endsWith('StateEntered')) return 'stateEnteredEventDetails';
  if (type.endsWith('StateExited')) return 'stateExitedEventDetails';
  return `${type.charAt(0).toLowerCase()}${type.slice(1)}EventDetails`;
}

/** Nothing that we keep is cut, so `truncated` is false wherever AWS has it. */
function showDetails(details: JsonObject): JsonObject {
  const shown: JsonObject = {};
  for (const [name, value] of Object.entries(details)) {
    if (name === 'assignedVariables' && isObject(value)) {
      shown[name] = textsOf(value);
      shown['assignedVariablesDetails'] = { truncated: false };
      continue;
    }
    shown[name] = isValue(name) ? JSON.stringify(value) : value;
    if (name === 'input' || name === 'output') shown[`${name}Details`] = { truncated: false } satisfies Json;
  }
  return shown;
}

/** AWS shows every variable as JSON text of its own. */
function textsOf(variables: JsonObject): JsonObject {
  const texts: JsonObject = {};
  for (const [name, value] of Object.entries(variables)) setField(texts, name, JSON.stringify(value));
  return texts;
}

function isValue(name: string): boolean {
  return name === 'input' || name === 'output' || name === 'parameters';
}
