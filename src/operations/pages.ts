import type { PageQuery } from '../store/index.js';
import { refusal } from './errors.js';
import type { PageRequest } from './types.js';

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 1_000;

/** The page that was asked for. @throws OperationError VALIDATION_FAILED */
export function pageQuery({ limit = LIMIT_DEFAULT, cursor }: PageRequest = {}): PageQuery {
  if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT_MAX) {
    throw refusal('VALIDATION_FAILED', '/limit', `limit is a whole number from 1 to ${LIMIT_MAX}.`);
  }
  return { limit, cursor };
}
