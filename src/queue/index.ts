export { QueueUnavailable } from './backend.js';
export { connectQueues, type Queues, type QueuesOptions } from './connect.js';
export type { ConsumeOptions, Consumer, WeightedQueue } from './consumer.js';
export type { Doorbell } from './doorbell.js';
export { isQueueName } from './names.js';
export { NoSlot, type Slot, SlotPool } from './pool.js';
export { type Producer, RING_AHEAD_MS, type RingOptions } from './producer.js';
export type { QueueStats } from './stats.js';
