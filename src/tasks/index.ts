/** What a Resource may mean. For now: a function of the handlers module. */
export {
  defineHandlers,
  type Handler,
  type HandlerContext,
  type HandlerLog,
  type Handlers,
} from './handlers.js';
export { createTasks, type TasksOptions } from './invoke.js';
export { HandlersError, loadHandlers } from './load.js';
