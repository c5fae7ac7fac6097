import type { JsonObject } from '../std/json.js';

/**
 * One entry of an execution's history, in AWS's shape except that values (`input`, `output`,
 * `parameters`) are JSON values here and become JSON text when the history is read
 * (https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html).
 */
export interface HistoryEvent {
  id: number;
  previousEventId: number;
  type: string;
  /** Milliseconds since the epoch. */
  timestamp: number;
  /** The one `…EventDetails` member that the type has, under its AWS name. */
  detailsKey?: string;
  details?: JsonObject;
}
