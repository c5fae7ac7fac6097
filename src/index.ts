/** The library door: what a handlers module imports from 'escapement'. */

export type { Json, JsonObject } from './std/json.js';
export {
  defineHandlers,
  type Handler,
  type HandlerContext,
  type HandlerLog,
  type HandlerSettings,
  type Handlers,
  type Isolation,
} from './tasks/index.js';
