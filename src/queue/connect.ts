import type { RetryPolicy } from './backend.js';
import { type ConsumeOptions, type Consumer, createConsumer } from './consumer.js';
import { OpenQueues } from './open-queues.js';
import { type Log, Outage } from './outage.js';
import { connectPostgres } from './postgres-backend.js';
import { createProducer, type Producer } from './producer.js';
import { connectRedis } from './redis-backend.js';
import { type QueueStats, readHead, readStats } from './stats.js';

export interface QueuesOptions {
  /** Undefined: BullMQ's queues lie in PostgreSQL. */
  redisUrl?: string | undefined;
  databaseUrl: string;
  /** Before every key in Redis, so that several installations can share one. */
  prefix?: string;
  /** For a job whose doorbell could not be heard; the executions have a policy of their own. */
  retryPolicy?: RetryPolicy;
  log: Log;
}

/** The queues of one process, with the connections that they need. */
export interface Queues {
  readonly producer: Producer;
  /** Starts to take from queues; at most one consumer a process makes sense, since it owns the slots. */
  consume(options: ConsumeOptions): Consumer;
  stats(names: readonly string[]): Promise<Record<string, QueueStats>>;
  /** When the oldest job that waits or is active became due, in ms since the epoch. */
  head(name: string): Promise<number | undefined>;
  /** @throws when the store of the queues does not answer within a few hundred ms. */
  ping(): Promise<void>;
  /** Stops its consumers and closes its connections. */
  close(): Promise<void>;
}

/** Connects in the background: nothing here waits or throws because the store is not there yet. */
export function connectQueues(options: QueuesOptions): Queues {
  const { log, redisUrl, prefix = 'escapement', retryPolicy = { attempts: 5, backoffMs: 1_000 } } = options;
  const outage = new Outage(log, redisUrl === undefined ? 'the queue in PostgreSQL' : 'Redis');
  const backend =
    redisUrl === undefined
      ? connectPostgres(options.databaseUrl, outage)
      : connectRedis(redisUrl, prefix, outage);
  const queues = new OpenQueues(backend, outage);
  const consumers: Consumer[] = [];
  let closing: Promise<void> | undefined;

  return {
    producer: createProducer(backend, queues, retryPolicy),
    consume(options) {
      const consumer = createConsumer(backend, log, options);
      consumers.push(consumer);
      return consumer;
    },
    stats: (names) => readStats(backend, queues, names),
    head: (name) => readHead(backend, queues, name),
    ping: () => backend.ping(),
    close() {
      closing ??= Promise.all(consumers.map((consumer) => consumer.stop()))
        .then(() => queues.close())
        .then(() => backend.close());
      return closing;
    },
  };
}
