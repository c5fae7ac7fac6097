/** Requests to the service under test. */
import { isObject, type Json, type JsonObject } from '../../../src/std/json.js';

export interface Answer {
  status: number;
  /** null: there is none. */
  body: Json;
}

export interface Client {
  get(path: string, signal?: AbortSignal): Promise<Answer>;
  /** `body` is JSON text, so that an input goes as it was recorded. */
  post(path: string, body: string): Promise<Answer>;
}

export function createClient(url: string): Client {
  const read = async (response: Response): Promise<Answer> => {
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : (JSON.parse(text) as Json) };
  };
  return {
    get: async (path, signal) => read(await fetch(`${url}${path}`, signal === undefined ? {} : { signal })),
    post: async (path, body) =>
      read(
        await fetch(`${url}${path}`, {
          method: 'POST',
          body,
          headers: { 'content-type': 'application/json' },
        }),
      ),
  };
}

/** The body of an answer that has to be a success. @throws Error with what it says instead */
export function bodyOf({ status, body }: Answer): JsonObject {
  if (status < 300 && isObject(body)) return body;
  const words = isObject(body) ? `${String(body['code'])}: ${String(body['message'])}` : JSON.stringify(body);
  throw new Error(`the service answered ${String(status)} ${words}`);
}
