import type {
  FastifyDynamicSwaggerOptions,
  SwaggerTransform,
  SwaggerTransformObject,
} from '@fastify/swagger';
import { isObject, type Json, type JsonObject } from '../std/json.js';

/** What the document says beside the routes. */
export const INFO: NonNullable<FastifyDynamicSwaggerOptions['openapi']> = {
  openapi: '3.1.0',
  info: {
    title: 'Escapement',
    version: '1',
    license: { name: 'MIT', identifier: 'MIT' },
    description: [
      'Runs Amazon States Language workflows durably: state machines, executions of them, and batches of executions.',
      'Times are ISO 8601 in UTC. Lists are `{items, nextCursor}`: give `nextCursor` as `cursor` to get the next page.',
      'Every refusal is an `Error`: `{statusCode, code, error, message, details}`; `code` is the one to act upon. A path that does not exist is `ROUTE_NOT_FOUND` (404), a wrong method `METHOD_NOT_ALLOWED` (405) with an `Allow` header. Whatever is refused with 503 can be tried again after `Retry-After` seconds.',
      'Every answer has an `X-Request-Id`; yours, if you send one of at most 64 letters, digits, `.`, `_` and `-`.',
    ].join('\n\n'),
  },
  tags: [
    { name: 'State machines', description: 'Definitions in Amazon States Language, in versions.' },
    { name: 'Executions', description: 'Runs of a state machine.' },
    { name: 'Batches', description: 'Many executions of one state machine.' },
    { name: 'Map runs', description: 'What distributed Map states make of their items.' },
    { name: 'Tasks', description: 'Answers to tasks that wait for a token.' },
    { name: 'Activities', description: 'Tasks that workers outside ask for.' },
    {
      name: 'Transformers',
      description: 'Expressions that make the input of one execution from the output of another.',
    },
    { name: 'Messages', description: 'What Message states wait for.' },
    { name: 'Schedules', description: 'Executions by the clock.' },
    {
      name: 'HTTP tasks',
      description: 'What calls over HTTP authenticate themselves with, and functions behind URLs.',
    },
    { name: 'Queues', description: 'Where executions wait for a worker.' },
    { name: 'Health', description: 'For load balancers and supervisors; needs no key.' },
  ],
  components: {
    securitySchemes: {
      bearer: { type: 'http', scheme: 'bearer', description: 'One of API_KEYS.' },
      apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'One of API_KEYS.' },
    },
  },
  security: [{ bearer: [] }, { apiKey: [] }],
};

/** Hands on to `completeDocument` what the document cannot see of a route. */
export const markRoute: SwaggerTransform = ({ schema, url, route }) => ({
  url,
  schema: route.config?.bodyOptional === true ? { ...schema, [OPTIONAL]: true } : schema,
});

const OPTIONAL = 'x-body-optional';

type Document = Extract<Parameters<SwaggerTransformObject>[0], { openapiObject: unknown }>['openapiObject'];

/** The document as it is served: with components, and with what the printer of the routes left out. */
export function completeDocument(document: Document): Document {
  const gathered = gatherSchemas(completeOperations(document.paths));
  const { paths, responses } = gatherResponses(gathered.paths);
  const components = {
    ...document.components,
    schemas: sorted(gathered.schemas),
    responses: sorted(responses),
  };
  return Object.assign({}, document, { paths, components });
}

function completeOperations(paths: Document['paths']): unknown {
  return mapMembers(paths, (path) =>
    mapMembers(path, (operation) => {
      if (!isObject(operation)) return operation;
      const { [OPTIONAL]: optional, requestBody, ...rest } = operation;
      const responses = mapMembers(operation['responses'], (response, status) =>
        isObject(response) && response['description'] === 'Default Response'
          ? { ...response, description: SUCCESSES[status] ?? 'Done.' }
          : response,
      );
      const body =
        isObject(requestBody) && optional === true ? { ...requestBody, required: false } : requestBody;
      return { ...rest, ...(body !== undefined && { requestBody: body }), responses };
    }),
  );
}

const SUCCESSES: Readonly<Record<string, string>> = {
  200: 'Done.',
  201: 'Created; `Location` says where.',
  202: 'Accepted, and durable: it goes on by itself.',
};

function mapMembers(value: unknown, change: (member: unknown, key: string) => unknown): unknown {
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, change(member, key)]));
}

/**
 * Moves every schema that has a title into `components.schemas` under that title, and refers to it from
 * where it stood. Two schemas of one title must be the same.
 */
function gatherSchemas(paths: unknown): { paths: unknown; schemas: Record<string, JsonObject> } {
  const schemas: Record<string, JsonObject> = {};
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (!isObject(value)) return value;
    const walked: JsonObject = {};
    for (const [key, member] of Object.entries(value)) Object.assign(walked, { [key]: walk(member) });
    const { title } = walked;
    if (typeof title !== 'string') return walked;
    const known = schemas[title];
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(walked)) {
      throw new Error(`two schemas are titled ${title}`);
    }
    schemas[title] = walked;
    return { $ref: `#/components/schemas/${title}` };
  };
  return { paths: walk(paths), schemas };
}

/** Moves the refusals that nearly every route has into `components.responses`, under their codes. */
function gatherResponses(paths: unknown): { paths: unknown; responses: Record<string, JsonObject> } {
  const responses: Record<string, JsonObject> = {};
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (!isObject(value)) return value;
    const codes = codesOf(value);
    if (codes.length === 0 || codes.length > 2) {
      return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, walk(member)]));
    }
    const name = codes.join('.');
    responses[name] = value;
    return { $ref: `#/components/responses/${name}` };
  };
  return { paths: walk(paths), responses };
}

/** The codes of a response object that is a refusal (schemas/problem); none: it is something else. */
function codesOf(response: JsonObject): string[] {
  const found = ['content', 'application/json', 'schema', 'allOf', '1', 'properties', 'code', 'enum'].reduce<
    Json | undefined
  >(
    (value, key) => (isObject(value) ? value[key] : Array.isArray(value) ? value[Number(key)] : undefined),
    response,
  );
  return Array.isArray(found) ? found.filter((code) => typeof code === 'string') : [];
}

function sorted<T>(members: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(members).sort(([a], [b]) => (a < b ? -1 : 1)));
}
