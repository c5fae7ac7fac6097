import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { fastify, LogController } from 'fastify';
import type { Api, ApiParts } from './api.js';
import { guard } from './plugins/auth.js';
import { readBodies } from './plugins/bodies.js';
import { serveDocs, serveDocument } from './plugins/docs.js';
import { answerErrors, sendProblem } from './plugins/errors.js';
import { requestId, stamp, stampAnswers } from './plugins/headers.js';
import { discardLeftovers } from './plugins/leftovers.js';
import { shedLoad } from './plugins/pressure.js';
import { answerUnreadable, trackAnswers } from './plugins/unreadable.js';
import { trackWaits } from './plugins/waits.js';
import { activityRoutes } from './rest/activities.js';
import { batchRoutes } from './rest/batches.js';
import { connectionRoutes } from './rest/connections.js';
import { executionRoutes } from './rest/executions.js';
import { healthRoutes } from './rest/health.js';
import { linkRoutes } from './rest/links.js';
import { mapRunRoutes } from './rest/map-runs.js';
import { messageRoutes } from './rest/messages.js';
import { queueRoutes } from './rest/queues.js';
import { recoveryRoutes } from './rest/recoveries.js';
import { scheduleRoutes } from './rest/schedules.js';
import { stateMachineRoutes } from './rest/state-machines.js';
import { taskEndpointRoutes } from './rest/task-endpoints.js';
import { taskTokenRoutes } from './rest/task-tokens.js';
import { transformerRoutes } from './rest/transformers.js';
import { compileValidator } from './validation.js';

/**
 * Builds the application without listening, so that tests and the printer of the document need no port.
 * The life of a request reads downward: headers, who may call, is there such a route, body, validation,
 * handler.
 */
export async function buildApp({ operations, config, logger }: ApiParts): Promise<Api> {
  const app = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestId,
    bodyLimit: config.bodyLimit,
    // As long as a header may be: an id that is too long is merely not found.
    routerOptions: { maxParamLength: 16_384 },
    // Longer than any `?wait=`. It ends connections on which nothing moves.
    connectionTimeout: 120_000,
    forceCloseConnections: 'idle',
    // While it closes, requests on open connections are still answered, with `Connection: close`.
    return503OnClosing: false,
    // Node would refuse a request without Host with an empty body; ours says why (plugins/auth).
    http: { requireHostHeader: false },
    frameworkErrors: (error, request, reply) => {
      stamp(request, reply);
      sendProblem(error, request, reply);
    },
    clientErrorHandler: answerUnreadable,
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.setValidatorCompiler(compileValidator);
  // The types hold every answer to its schema, and payloads must come out whole: see docs/api.md.
  app.setSerializerCompiler(() => (body) => JSON.stringify(body));
  // `Expect: 100-continue` is Node's; any other expectation is nothing that we promise or refuse.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));

  stampAnswers(app);
  trackAnswers(app);
  discardLeftovers(app);
  guard(app, config);
  shedLoad(app, config, operations.health);
  answerErrors(app);
  readBodies(app);
  const waits = trackWaits(app, config.waitsLimit);
  await serveDocs(app);
  stateMachineRoutes(app, operations.stateMachines);
  executionRoutes(app, operations.executions, waits);
  recoveryRoutes(app, operations.recoveries);
  linkRoutes(app, operations.executions);
  transformerRoutes(app, operations.transformers);
  await app.register(async (scope: Api) => batchRoutes(scope, operations.batches, waits, config));
  mapRunRoutes(app, operations.mapRuns);
  queueRoutes(app, operations.queues);
  taskTokenRoutes(app, operations.taskTokens);
  activityRoutes(app, operations.activities, waits);
  messageRoutes(app, operations.messages);
  scheduleRoutes(app, operations.schedules);
  connectionRoutes(app, operations.connections);
  taskEndpointRoutes(app, operations.taskEndpoints);
  healthRoutes(app, operations.health);
  serveDocument(app);
  await app.ready();
  return app;
}
