import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { Config } from '../config.js';
import type { Operations } from '../operations/index.js';

/** The application as the routes see it: their types come from their schemas. */
export type Api = FastifyInstance<
  Server,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** What the API is made from. */
export interface ApiParts {
  operations: Operations;
  config: ApiConfig;
  logger: FastifyBaseLogger;
}

export type ApiConfig = Pick<Config, 'apiKeys' | 'authNone' | 'bodyLimit' | 'batchBodyLimit'> &
  Partial<Pick<Config, 'loopDelayLimitMs' | 'sessionWaitLimitMs' | 'waitsLimit'>>;
