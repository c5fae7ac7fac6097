import { randomBytes } from 'node:crypto';
import {
  changeTaskEndpoint,
  createTaskEndpoint,
  deleteTaskEndpoint,
  findTaskEndpoint,
  listTaskEndpoints,
  rotateTaskEndpoint,
} from '../store/index.js';
import type { Deps } from './deps.js';
import { OperationError, refusal } from './errors.js';
import { guarded } from './guarded.js';
import type { TaskEndpointOperations } from './http-types.js';
import { pageQuery } from './pages.js';
import { checkUrl, needVault } from './secrets.js';

export function createTaskEndpointOperations(deps: Deps): TaskEndpointOperations {
  const { pool } = deps.database;
  return {
    create: guarded(async ({ name, url, timeoutSeconds = TIMEOUT_DEFAULT_S }) => {
      if (!/^[\w.-]{1,140}$/.test(name))
        throw refusal(
          'INVALID_NAME',
          '/name',
          "A function's name has 1 to 140 letters, digits, '.', '-' and '_'.",
        );
      checkUrl(url, '/url');
      const secret = newSecret();
      const made = await createTaskEndpoint(pool, needVault(deps), { name, url, timeoutSeconds, secret });
      if (made === undefined)
        throw refusal('TASK_ENDPOINT_EXISTS', '/name', `There is a task endpoint '${name}' already.`);
      return { ...made, secret };
    }),

    update: guarded(async (name, change) => {
      if (change.url !== undefined) checkUrl(change.url, '/url');
      const changed = await changeTaskEndpoint(pool, name, change);
      if (changed === undefined) throw unknown(name);
      return changed;
    }),

    rotateSecret: guarded(async (name, overlapSeconds = OVERLAP_DEFAULT_S) => {
      const secret = newSecret();
      const rotated = await rotateTaskEndpoint(pool, needVault(deps), { name, secret, overlapSeconds });
      if (rotated === undefined) throw unknown(name);
      return { ...rotated, secret };
    }),

    list: guarded(async (request) => listTaskEndpoints(pool, pageQuery(request))),

    get: guarded(async (name) => {
      const found = await findTaskEndpoint(pool, name);
      if (found === undefined) throw unknown(name);
      return found;
    }),

    remove: guarded(async (name) => {
      if (!(await deleteTaskEndpoint(pool, name))) throw unknown(name);
      return { name };
    }),
  };
}

const TIMEOUT_DEFAULT_S = 60;
/** A day to bring the new secret to whoever checks signatures. */
const OVERLAP_DEFAULT_S = 86_400;

/** 256 random bits; the prefix tells who finds it what it is. */
function newSecret(): string {
  return `esk_${randomBytes(32).toString('base64url')}`;
}

function unknown(name: string): OperationError {
  return new OperationError('TASK_ENDPOINT_NOT_FOUND', `There is no task endpoint '${name}'.`);
}
