import { expect } from '@jest/globals';
import type { ApiDocument } from './document.js';
import type { Answer } from './listening.js';
import type { Service } from './service.js';

/** Asks by the operation's method, and checks that the answer is one that the document promises. */
export async function askAsPromised(
  service: Service,
  document: ApiDocument,
  operationId: string,
  path: string,
  body?: unknown,
): Promise<Answer> {
  const operation = document.operations.find((one) => one.operationId === operationId);
  if (operation === undefined) throw new Error(`the document has no ${operationId}`);
  const answer = await service.send(operation.method, path, body);
  expect(document.complaintAbout(operation, answer.status, answer.body)).toBeUndefined();
  return answer;
}
