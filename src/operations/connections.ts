import type { Authorization, AuthorizationType, ConnectionParameters, OAuthClient } from '../engine/index.js';
import { isObject, type Json, type JsonObject } from '../std/json.js';
import {
  type ConnectionRecord,
  deleteConnection,
  findConnection,
  hasSecrets,
  listConnections,
  type NewConnection,
  writeConnection,
} from '../store/index.js';
import type { Deps } from './deps.js';
import { OperationError, refusal } from './errors.js';
import { guarded } from './guarded.js';
import type { ConnectionOperations, ConnectionView, CreateConnection } from './http-types.js';
import { pageQuery } from './pages.js';
import { checkLine, payloadText } from './payloads.js';
import { checkHeader, checkUrl, invalid, needVault, required, texts } from './secrets.js';

export function createConnectionOperations(deps: Deps): ConnectionOperations {
  const { pool } = deps.database;
  const viewOf = ({ shown, ...record }: ConnectionRecord): ConnectionView => ({
    ...record,
    connectionArn: deps.arns.connection(record.name),
    settings: shown,
  });
  const write = async (name: string, request: Omit<CreateConnection, 'name'>, how: 'create' | 'replace') => {
    checkConnectionName(name);
    const connection = connectionOf(name, request);
    const vault = hasSecrets(connection) ? needVault(deps) : undefined;
    return writeConnection(pool, vault, connection, how);
  };

  return {
    create: guarded(async ({ name, ...request }) => {
      const made = await write(name, request, 'create');
      if (made === undefined)
        throw refusal('CONNECTION_EXISTS', '/name', `There is a connection '${name}' already.`);
      return viewOf(made);
    }),

    replace: guarded(async (name, request) => {
      if ((await findConnection(pool, name)) === undefined) throw unknown(name);
      const changed = await write(name, request, 'replace');
      if (changed === undefined) throw unknown(name);
      return viewOf(changed);
    }),

    list: guarded(async (request) => {
      const { items, nextCursor } = await listConnections(pool, pageQuery(request));
      return { items: items.map(viewOf), nextCursor };
    }),

    get: guarded(async (name) => {
      const found = await findConnection(pool, name);
      if (found === undefined) throw unknown(name);
      return viewOf(found);
    }),

    remove: guarded(async (name) => {
      if (!(await deleteConnection(pool, name))) throw unknown(name);
      return { name };
    }),
  };
}

/** AWS's rule. @throws OperationError INVALID_NAME */
function checkConnectionName(name: string): void {
  if (!/^[.\-_A-Za-z0-9]{1,64}$/.test(name))
    throw refusal(
      'INVALID_NAME',
      '/name',
      "A connection's name has 1 to 64 letters, digits, '.', '-' and '_'.",
    );
}

/** @throws OperationError that says what does not fit, and never repeats a secret. */
function connectionOf(name: string, request: Omit<CreateConnection, 'name'>): NewConnection {
  const { description = null, hosts = [] } = request;
  checkLine(description, DESCRIPTION_MAX, '/description');
  payloadText(JSON.parse(JSON.stringify(request)) as Json, SECRET_MAX_BYTES, '', 'The connection');
  const authorization = authorizationOf(request);
  const parameters = parametersOf(request.parameters);
  for (const [index, host] of hosts.entries()) checkHost(host, `/hosts/${index}`);
  const shown = shownOf(authorization, parameters);
  return {
    name,
    description,
    authorization,
    parameters,
    hosts: hosts.map((host) => host.toLowerCase()),
    shown,
  };
}

const DESCRIPTION_MAX = 512;
const SECRET_MAX_BYTES = 64 * 1024;

const FIELDS: Readonly<Record<AuthorizationType, 'apiKey' | 'basic' | 'oauth' | undefined>> = {
  NONE: undefined,
  API_KEY: 'apiKey',
  BASIC: 'basic',
  OAUTH_CLIENT_CREDENTIALS: 'oauth',
};

function authorizationOf(request: Omit<CreateConnection, 'name'>): Authorization {
  const { type, apiKey, basic, oauth } = request;
  for (const field of ['apiKey', 'basic', 'oauth'] as const)
    if (request[field] !== undefined && field !== FIELDS[type])
      throw invalid(`/${field}`, `A connection of the type ${type} has no ${field}.`);
  switch (type) {
    case 'NONE':
      return { type };
    case 'API_KEY': {
      const { name, value } = required(apiKey, '/apiKey', type);
      checkHeader(name, value, '/apiKey');
      return { type, name, value };
    }
    case 'BASIC': {
      const { username, password } = required(basic, '/basic', type);
      if (username.includes(':')) throw invalid('/basic/username', 'A user name may not contain a colon.');
      return { type, username, password };
    }
    case 'OAUTH_CLIENT_CREDENTIALS':
      return oauthOf(required(oauth, '/oauth', type));
  }
}

function oauthOf(oauth: NonNullable<CreateConnection['oauth']>): OAuthClient {
  const { clientAuthentication = 'BASIC', parameters, ...rest } = oauth;
  checkUrl(oauth.tokenUrl, '/oauth/tokenUrl');
  const more = parameters === undefined ? {} : { parameters: texts(parameters, '/oauth/parameters') };
  return { type: 'OAUTH_CLIENT_CREDENTIALS', clientAuthentication, ...rest, ...more };
}

function parametersOf({ headers = {}, query = {}, body = {} }: Parameters = {}): ConnectionParameters {
  const checked = texts(headers, '/parameters/headers');
  for (const [name, value] of Object.entries(checked)) checkHeader(name, value, '/parameters/headers');
  return { headers: checked, query: texts(query, '/parameters/query'), body };
}

type Parameters = NonNullable<CreateConnection['parameters']>;

function checkHost(host: string, pointer: string): void {
  if (!URL.canParse(`https://${host}`) || new URL(`https://${host}`).host !== host.toLowerCase())
    throw invalid(pointer, 'A host is expected, with its port if that is not the usual one.');
}

/** What may be told: who, and where, and the names of what is added; no key, password, secret or value. */
function shownOf(authorization: Authorization, parameters: ConnectionParameters): JsonObject {
  const names = Object.fromEntries(
    Object.entries(parameters)
      .filter(([, added]) => isObject(added) && Object.keys(added).length > 0)
      .map(([where, added]): [string, Json] => [where, Object.keys(added)]),
  );
  return {
    ...identityOf(authorization),
    ...(Object.keys(names).length > 0 && { parameters: names }),
  };
}

function identityOf(authorization: Authorization): JsonObject {
  switch (authorization.type) {
    case 'NONE':
      return {};
    case 'API_KEY':
      return { apiKeyName: authorization.name };
    case 'BASIC':
      return { username: authorization.username };
    case 'OAUTH_CLIENT_CREDENTIALS': {
      const { tokenUrl, clientId, clientAuthentication, scope } = authorization;
      return { tokenUrl, clientId, clientAuthentication, ...(scope !== undefined && { scope }) };
    }
  }
}

function unknown(name: string): OperationError {
  return new OperationError('CONNECTION_NOT_FOUND', `There is no connection '${name}'.`);
}
