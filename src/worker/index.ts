/** The door of the worker: what takes executions and batches and advances them. */
export type { WorkerLog } from './runner.js';
export { startWorker, type Worker, type WorkerOptions } from './worker.js';
