import type { JsonObject } from '../std/json.js';

/** What an HTTP task authenticates itself with, in the clear: only ever in the memory of who makes a call. */
export interface Connection {
  name: string;
  /** Another one whenever the connection is another one. */
  version: string;
  authorization: Authorization;
  parameters: ConnectionParameters;
  /** Where it may be sent; none: anywhere. */
  hosts: readonly string[];
}

export type Authorization =
  | { type: 'NONE' }
  | { type: 'API_KEY'; name: string; value: string }
  | { type: 'BASIC'; username: string; password: string }
  | OAuthClient;

/** Who asks for tokens (RFC 6749, section 4.4). */
export interface OAuthClient {
  type: 'OAUTH_CLIENT_CREDENTIALS';
  tokenUrl: string;
  clientId: string;
  clientSecret: string;
  /** How the client shows who it is: in an Authorization header, or in the body. */
  clientAuthentication: 'BASIC' | 'BODY';
  scope?: string;
  /** What the token's server wants besides. */
  parameters?: Record<string, string>;
}

/** What is added to every request, and wins over what the request says. */
export interface ConnectionParameters {
  headers: Record<string, string>;
  query: Record<string, string>;
  body: JsonObject;
}

export type AuthorizationType = Authorization['type'];

/** A function that somebody serves over HTTP, in the clear. */
export interface TaskEndpoint {
  /** The function's name. */
  name: string;
  url: string;
  timeoutMs: number;
  /** What calls are signed with: the newest first, and for a while after a rotation the one before. */
  secrets: readonly string[];
}
