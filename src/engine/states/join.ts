import type { Json } from '../../std/json.js';
import { childrenOf, type Draft, dropChildren } from '../draft.js';
import type { ChildrenPhase, Frame } from '../frame.js';

/**
 * Takes the outputs of all children, in their order, and drops them. The join belongs to the barrier: it
 * points to whatever any child recorded last.
 */
export function joinChildren(
  draft: Draft,
  frame: Frame,
  phase: ChildrenPhase,
): { outputs: Json[]; lastEventId: number } {
  let lastEventId = phase.startedEventId;
  const outputs: Json[] = [];
  for (const child of childrenOf(draft, frame.id)) {
    if (child.phase.kind !== 'done') throw new Error(`frame ${String(child.id)} is joined before it is done`);
    outputs.push(child.phase.output);
    lastEventId = Math.max(lastEventId, child.lastEventId);
  }
  dropChildren(draft, frame.id);
  return { outputs, lastEventId };
}
