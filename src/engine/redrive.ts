import { type Draft, recordAside } from './draft.js';
import { variableBytesOf } from './variables.js';

/**
 * Takes a run up again that has ended without success, from what its end has left. Everything that was unfinished goes on
 * with the next tick; the machine's TimeoutSeconds begin anew.
 * @throws Error when nothing was left: whoever asked was to be refused.
 */
export function redrive(draft: Draft, { redriveCount }: { redriveCount: number }): void {
  const { meta, nowMs } = draft;
  const { left, machine } = draft.run;
  if (left === undefined) throw new Error('a redrive of an execution that left nothing to be taken up');
  delete meta.ended;
  meta.redriveCount = redriveCount;
  meta.redrivenAtMs = nowMs;
  if (machine.timeoutSeconds !== undefined) meta.deadlineMs = nowMs + machine.timeoutSeconds * 1000;
  const bytes = variableBytesOf(left);
  if (bytes > 0) meta.variableBytes = bytes;
  const resumed: number[] = [];
  for (const frame of left) {
    const { phase } = frame;
    if (phase.kind === 'retrying' || phase.kind === 'children') resumed.push(frame.enteredEventId);
    if (phase.kind === 'retrying' && phase.owed !== undefined)
      draft.effects.push({ kind: 'release', frameId: frame.id, ...phase.owed });
    if (phase.kind === 'retrying') {
      const { owed: _, ...again } = phase;
      draft.changed.set(frame.id, { ...frame, phase: { ...again, untilMs: nowMs } });
    } else draft.changed.set(frame.id, frame);
  }
  recordAside(draft, meta.nextEventId - 1, 'ExecutionRedriven', { redriveCount });
  const event = draft.history.at(-1);
  if (event !== undefined) event.resumed = resumed;
}
