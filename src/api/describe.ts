import { pino } from 'pino';
import type { Operations } from '../operations/index.js';
import { buildApp } from './app.js';

/** The OpenAPI document as text, printed from the routes, always in the same order. */
export async function describeApi(): Promise<string> {
  const app = await buildApp({
    operations: nobody(),
    config: { apiKeys: [], authNone: false, bodyLimit: 1, batchBodyLimit: 1 },
    logger: pino({ level: 'silent' }),
  });
  const text = JSON.stringify(app.swagger(), null, 2);
  await app.close();
  return `${text}\n`;
}

/** Operations that reject: the document needs the routes, not the house behind them. */
export function nobody(): Operations {
  const noun = () =>
    new Proxy(Object.create(null), {
      get: (_target, name) => () => Promise.reject(new Error(`nobody is there to ${String(name)}`)),
    });
  return {
    stateMachines: noun(),
    executions: noun(),
    batches: noun(),
    mapRuns: noun(),
    queues: noun(),
    recoveries: noun(),
    taskTokens: noun(),
    activities: noun(),
    transformers: noun(),
    messages: noun(),
    schedules: noun(),
    connections: noun(),
    taskEndpoints: noun(),
    health: noun(),
  };
}
