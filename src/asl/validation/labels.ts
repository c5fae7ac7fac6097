import { MAX_LABEL } from '../labels.js';
import { type Check, name } from './checks.js';

/** White space, wildcards, brackets, control characters and the others that AWS lists. */
const FORBIDDEN = /[\s?*<>{}[\]:;,\\|^~$#%&`"\p{Cc}]/u;

/**
 * The Label of a distributed Map; that it is the only one of its name `groups` checks
 * (https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html).
 */
export const label: Check = (value, pointer, complaints) => {
  name(value, pointer, complaints);
  if (typeof value !== 'string') return;
  if (value.length > MAX_LABEL) {
    complaints.add(
      'INVALID_LABEL_NAME',
      pointer,
      `Expected a Label of at most ${MAX_LABEL} characters, found ${value.length}.`,
    );
  }
  const found = FORBIDDEN.exec(value)?.[0];
  if (found !== undefined) {
    complaints.add(
      'INVALID_LABEL_NAME',
      pointer,
      `Expected a Label without white space, wildcards, brackets and special characters, found ${JSON.stringify(found)}.`,
    );
  }
};
