/** The library door: what a handlers module imports from 'escapement'. */

export type { Json, JsonObject } from './std/json.js';
export {
  defineHandlers,
  type Handler,
  type HandlerContext,
  type HandlerLog,
  type Handlers,
} from './tasks/index.js';
