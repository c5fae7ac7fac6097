import type { Recovery } from '../store/index.js';
import { refusal } from './errors.js';
import { payloadText } from './payloads.js';
import type { NewRecovery } from './types.js';

/** A worker's death is rare; three of them in a row at one execution are no accident. */
const MAX_RECOVERIES = 3;

/**
 * A machine's recovery strategy with what it leaves out.
 * @param limit of the output, in bytes of JSON text.
 * @throws OperationError VALIDATION_FAILED for an output that nothing would be left with; what payloadText throws.
 */
export function checkRecovery(recovery: NewRecovery | null, limit: number): Recovery | null {
  if (recovery === null) return null;
  const { strategy = 'retry', output, maxRecoveries = MAX_RECOVERIES } = recovery;
  if (output === undefined) return { strategy, maxRecoveries };
  if (strategy !== 'skip') {
    throw refusal(
      'VALIDATION_FAILED',
      '/recovery/output',
      `An output needs the strategy 'skip'; with '${strategy}' no state is left with it.`,
    );
  }
  payloadText(output, limit, '/recovery/output');
  return { strategy, output, maxRecoveries };
}
