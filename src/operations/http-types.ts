/** Connections and task endpoints, as one asks for them (types.ts has the others). */
import type { AuthorizationType } from '../engine/index.js';
import type { JsonObject } from '../std/json.js';
import type { Page, PageRequest } from './types.js';

/** Refuses with SECRETS_KEY_MISSING what has secrets, when the server has no key for them. */
export interface ConnectionOperations {
  create(request: CreateConnection): Promise<ConnectionView>;
  /** All of it is another: what is not said is not kept. Calls from then on are made with it. */
  replace(name: string, request: Omit<CreateConnection, 'name'>): Promise<ConnectionView>;
  /** By name. */
  list(request?: PageRequest): Promise<Page<ConnectionView>>;
  get(name: string): Promise<ConnectionView>;
  /** Tasks that ask for it from then on fail with Events.ConnectionResource.ResourceNotFound. */
  remove(name: string): Promise<{ name: string }>;
}

export interface CreateConnection {
  /** AWS's rule: 1..64 letters, digits, '.', '-' and '_'. */
  name: string;
  type: AuthorizationType;
  description?: string | null;
  /** Of the type API_KEY: a header. */
  apiKey?: { name: string; value: string };
  /** Of the type BASIC. */
  basic?: { username: string; password: string };
  /** Of the type OAUTH_CLIENT_CREDENTIALS. */
  oauth?: {
    tokenUrl: string;
    clientId: string;
    clientSecret: string;
    /** BASIC when absent. */
    clientAuthentication?: 'BASIC' | 'BODY';
    scope?: string;
    /** Texts, for the token's server. */
    parameters?: JsonObject;
  };
  /** Added to every request, and kept secret; headers and query are texts. */
  parameters?: { headers?: JsonObject; query?: JsonObject; body?: JsonObject };
  /** The only hosts that it is sent to, with the port if that is not the usual one; none: any. */
  hosts?: string[];
}

export interface ConnectionView {
  name: string;
  /** As an HTTP task's Authentication.ConnectionArn has it. */
  connectionArn: string;
  type: AuthorizationType;
  description: string | null;
  /** What is not secret: who, where, and the names of what is added. */
  settings: JsonObject;
  hosts: string[];
  createdAt: Date;
}

export interface TaskEndpointOperations {
  create(request: {
    /** The function's, as a Resource or FunctionName says it. */
    name: string;
    url: string;
    /** 60 when absent. */
    timeoutSeconds?: number;
  }): Promise<TaskEndpointSecretView>;
  update(name: string, change: { url?: string; timeoutSeconds?: number }): Promise<TaskEndpointView>;
  /** Calls are signed with the secret before, too, for so long; a day when absent. */
  rotateSecret(name: string, overlapSeconds?: number): Promise<TaskEndpointSecretView>;
  /** By name. */
  list(request?: PageRequest): Promise<Page<TaskEndpointView>>;
  get(name: string): Promise<TaskEndpointView>;
  remove(name: string): Promise<{ name: string }>;
}

export interface TaskEndpointView {
  name: string;
  url: string;
  timeoutSeconds: number;
  createdAt: Date;
  rotatedAt: Date | null;
  /** Until when calls are signed with the secret before the last rotation, too. */
  previousUntil: Date | null;
}

/** The only time that the secret is shown. */
interface TaskEndpointSecretView extends TaskEndpointView {
  secret: string;
}
