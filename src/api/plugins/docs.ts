import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { completeDocument, INFO, markRoute } from '../openapi.js';

/** OpenAPI 3.1 at /openapi.json, and a page to read it and try it at /docs. Both are open. */
export async function serveDocs(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: { ...INFO },
    convertConstToEnum: false,
    transform: markRoute,
    transformObject: (document) =>
      'openapiObject' in document ? completeDocument(document.openapiObject) : {},
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { docExpansion: 'list', displayRequestDuration: true, persistAuthorization: false },
    theme: { title: 'Escapement API' },
    staticCSP:
      "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
  });
}

/** After the routes: only then is there a document to serve. */
export function serveDocument(app: FastifyInstance): void {
  let text: string | undefined;
  app.get('/openapi.json', { schema: { hide: true }, config: { open: true } }, (_request, reply) => {
    text ??= JSON.stringify(app.swagger());
    return reply.type('application/json; charset=utf-8').send(text);
  });
}
