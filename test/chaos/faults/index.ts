import type { Fault } from '../fault.js';
import { crashPostgres } from './crash-postgres.js';
import { cutSessions } from './cut-sessions.js';
import { doubleBells } from './double-bells.js';
import { flushRedis } from './flush-redis.js';
import { freezeWorker } from './freeze-worker.js';
import { fullRedis } from './full-redis.js';
import { halfOpen } from './half-open.js';
import { killApi } from './kill-api.js';
import { killApiUnrung } from './kill-api-unrung.js';
import { killWorker } from './kill-worker.js';
import { noSessions } from './no-sessions.js';
import { none } from './none.js';
import { resets } from './resets.js';
import { slowNetwork } from './slow-network.js';
import { stopRedis } from './stop-redis.js';
import { wrongClock } from './wrong-clock.js';

/** In the order of the table. */
export const FAULTS: readonly Fault[] = [
  none,
  killWorker,
  killApi,
  killApiUnrung,
  freezeWorker,
  stopRedis,
  flushRedis,
  fullRedis,
  crashPostgres,
  cutSessions,
  noSessions,
  slowNetwork,
  resets,
  halfOpen,
  wrongClock,
  doubleBells,
];
