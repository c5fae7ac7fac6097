import type { Json, JsonObject } from '../std/json.js';

/** What ItemReader, ItemBatcher and ResultWriter of a distributed Map say, evaluated. */
export interface DistributedPlan {
  reader?: { resource: string; parameters: JsonObject; config: JsonObject; maxItems?: number };
  batcher?: { maxItems?: number; maxBytes?: number; input?: Json };
  writer?: { resource?: string; parameters: JsonObject; config: JsonObject };
}
