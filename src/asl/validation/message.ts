import type { JsonObject } from '../../std/json.js';
import type { QueryLanguage } from '../definition.js';
import { MAX_CORRELATION_KEY } from '../message.js';
import { type Check, name } from './checks.js';
import type { Complaints } from './complaints.js';
import { checkExclusive, checkRequired } from './object.js';

/** The name of what is waited for. */
export const correlationKey: Check = (value, pointer, complaints) => {
  name(value, pointer, complaints);
  if (typeof value === 'string' && value.length > MAX_CORRELATION_KEY) {
    complaints.schema(
      pointer,
      `Expected a CorrelationKey of at most ${MAX_CORRELATION_KEY} characters, found ${value.length}.`,
    );
  }
};

/** What concerns more than one field of a Message state, our own (docs/message-state.md). */
export function checkMessage(
  message: JsonObject,
  pointer: string,
  complaints: Complaints,
  { language, machineType }: { language: QueryLanguage; machineType: 'STANDARD' | 'EXPRESS' },
): void {
  if (machineType === 'EXPRESS') {
    complaints.schema(pointer, 'Express state machine does not support Message states');
  }
  checkRequired(message, ['CorrelationKey'], pointer, complaints);
  if (language === 'JSONPath')
    checkExclusive(message, ['TimeoutSeconds', 'TimeoutSecondsPath'], pointer, complaints);
  const timed = Object.hasOwn(message, 'TimeoutSeconds') || Object.hasOwn(message, 'TimeoutSecondsPath');
  if (Object.hasOwn(message, 'TimeoutPath') && !timed) {
    complaints.schema(
      pointer,
      "Field 'TimeoutPath' is only supported beside TimeoutSeconds or TimeoutSecondsPath.",
    );
  }
}
