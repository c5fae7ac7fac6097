import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { FastifyInstance } from 'fastify';
import type { Config } from '../../config.js';
import { type HealthOperations, OperationError } from '../../operations/index.js';
import { isObject } from '../../std/json.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Served however much there is to do: what takes load away, or says how things stand. */
    urgent?: boolean;
  }
}

/** As often as this it is decided whether requests are taken. */
const LOOK_MS = 200;
/** How much more is taken with each look at which all is well, while somebody is still refused. */
const GROWTH = 0.1;
/** Those who were refused come back within 3 s; when nobody was for longer, the worst is over. */
const CALM_LOOKS = 20;
/** Of the histogram; its mean counts it in. */
const RESOLUTION_MS = 20;

/**
 * Refuses requests with 503 OVERLOADED, before they cost anything, while this process is behind with its work: its event
 * loop comes round late, or sessions of the database are waited for too long. Each look that finds it so halves how many
 * requests may be under way; each that does not allows some more, until nobody is refused: so what is taken is
 * answered in time, and those who come back are not all let in at once. What is urgent is served all the same: health, the documentation, metrics, and requests to stop.
 */
export function shedLoad(
  app: FastifyInstance,
  limits: Partial<Pick<Config, 'loopDelayLimitMs' | 'sessionWaitLimitMs'>>,
  health: Pick<HealthOperations, 'sessionTurn'>,
): void {
  const { loopDelayLimitMs = 0, sessionWaitLimitMs = 0 } = limits;
  const loop = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  let why: string | undefined;
  let waitsSinceMs: number | undefined;
  let lookedMs = performance.now();
  /** Requests that are being answered, but for those that are held. */
  let underWay = 0;
  /** While there is a `why`: how many may be. */
  let most = 0;
  let refused = false;
  let calmLooks = 0;

  const look = (): void => {
    const nowMs = performance.now();
    // This look is late, too, when the loop is; the histogram may have nothing yet of the same turn.
    const lateMs = nowMs - lookedMs - LOOK_MS;
    const loopMs = Math.max(0, lateMs, loop.count > 0 ? loop.mean / 1e6 - RESOLUTION_MS : 0);
    loop.reset();
    lookedMs = nowMs;
    if (waitsSinceMs === undefined) {
      const turn = sessionWaitLimitMs > 0 ? health.sessionTurn() : undefined;
      if (turn !== undefined) waitsSinceMs = nowMs;
      turn?.then(
        () => {
          waitsSinceMs = undefined;
        },
        () => {
          // The database is away: who asks for it is told so.
          waitsSinceMs = undefined;
        },
      );
    }
    const sessionMs = waitsSinceMs === undefined ? 0 : nowMs - waitsSinceMs;
    const before = why;
    if (before === undefined) calmLooks = 0;
    if (loopDelayLimitMs > 0 && loopMs > loopDelayLimitMs) {
      why = `its event loop is ${Math.round(loopMs)} ms late`;
      most = Math.floor(underWay / 2);
    } else if (sessionWaitLimitMs > 0 && sessionMs > sessionWaitLimitMs) {
      why = `database sessions are waited for longer than ${sessionWaitLimitMs} ms`;
      most = Math.floor(underWay / 2);
    } else if (why !== undefined) {
      most += 1 + Math.ceil(most * GROWTH);
      calmLooks = refused ? 0 : calmLooks + 1;
      if (calmLooks > CALM_LOOKS) why = undefined;
    }
    refused = false;
    if (before === undefined && why !== undefined) app.log.warn({ why }, 'requests are refused: overloaded');
    if (before !== undefined && why === undefined) app.log.info('requests are taken again');
  };

  let timer: NodeJS.Timeout | undefined;
  app.addHook('onListen', (done) => {
    loop.enable();
    lookedMs = performance.now();
    timer = setInterval(look, LOOK_MS);
    timer.unref();
    done();
  });
  app.addHook('onClose', (_app, done) => {
    clearInterval(timer);
    loop.disable();
    done();
  });
  app.addHook('onRequest', (request, reply, done) => {
    if (why === undefined || underWay < most || isUrgent(request.routeOptions)) {
      if (!isHeld(request.query)) {
        underWay++;
        reply.raw.once('close', () => {
          underWay--;
        });
      }
      return done();
    }
    refused = true;
    const message = `This server has more to do than it gets done: ${why}. Try again.`;
    // Not all at the same moment again.
    done(new OperationError('OVERLOADED', message, { retryAfterSeconds: 1 + Math.floor(Math.random() * 3) }));
  });
}

/** `?wait=`: it is answered when something has happened, and costs nothing until then. */
function isHeld(query: unknown): boolean {
  return isObject(query) && Number(query['wait'] ?? 0) > 0;
}

function isUrgent({
  url = '',
  config,
}: {
  url?: string | undefined;
  config?: { urgent?: boolean; open?: boolean };
}): boolean {
  return config?.urgent === true || config?.open === true || url === '/metrics' || url.startsWith('/docs');
}
