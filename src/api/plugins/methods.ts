import type { FastifyInstance } from 'fastify';

/** Which methods a path may be called with. */
interface MethodTable {
  /** In order of registration; none: there is no such path. */
  methodsOf(path: string): string[];
}

/** Collects the routes as they are registered, so that a wrong method can be told from a wrong path. */
export function collectMethods(app: FastifyInstance): MethodTable {
  const routes: { segments: string[]; method: string }[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    const segments = url.split('/');
    for (const one of [method].flat()) routes.push({ segments, method: one });
  });
  return {
    methodsOf: (path) => {
      const asked = path.split('/');
      const matching = routes.filter(({ segments }) => matches(segments, asked)).map(({ method }) => method);
      return [...new Set(matching)];
    },
  };
}

function matches(segments: readonly string[], asked: readonly string[]): boolean {
  return (
    segments.length === asked.length &&
    segments.every((segment, i) => segment === asked[i] || (segment.startsWith(':') && asked[i] !== ''))
  );
}
