/**
 * What an end that is no success leaves for a redrive
 * (https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html): every frame as it is to be taken up.
 *
 * 1. A failure cuts frames while it goes up the tree, and only at the top it is known that nobody catches it. So what it
 *    cuts is kept aside, and forgotten as soon as a Retrier or a Catcher takes it.
 * 2. What is done stays done. What was entered and not left is attempted again, at once, without being entered anew: a
 *    Retry's pause that is over says just that. What was yet to be entered is.
 * 3. A Parallel or Map goes on with the children that it had. One that failed by itself, after it had joined them or
 *    before it had any, starts again.
 *    A distributed Map goes on with its map run: what has not succeeded of it is taken up again.
 * 4. Retries count anew.
 * 5. What a frame waited for is let go after the end is committed, which a crash may prevent; the sweeper does not look at what
 *    runs again. So it is kept, and let go once more by the redrive.
 */
import { childrenOf, type Draft, frameOf } from './draft.js';
import type { Frame, Owed } from './frame.js';
import { awaitedOf } from './invocation.js';

/** Every frame as a redrive takes it up, with those that the failure has cut. Before the end drops them. */
export function leftFrames(draft: Draft): Frame[] {
  const left = new Map<number, Frame>();
  const root = frameOf(draft, 0);
  if (root !== undefined) collect(draft, root, left);
  for (const [id, frame] of draft.cut ?? []) left.set(id, frame);
  const parents = new Set([...left.values()].map(({ parent }) => parent));
  return [...left.values()].map((frame) =>
    asTakenUp(frame, parents.has(frame.id), draft.failing?.has(frame.id) === true),
  );
}

/** Keeps a Parallel or Map and all that is inside it as they are, right before a failure cuts them. */
export function keepCut(draft: Draft, id: number): void {
  const cut = draft.cut ?? new Map<number, Frame>();
  draft.cut = cut;
  const frame = frameOf(draft, id);
  // What has been kept is what the failure found on its way up, and comes first.
  if (frame !== undefined) collect(draft, frame, cut);
}

/** The frame's state has failed. */
export function noteFailing(draft: Draft, { id }: Frame): void {
  draft.failing ??= new Set();
  draft.failing.add(id);
}

/** A Retrier or a Catcher has taken the failure. */
export function forgetCut(draft: Draft): void {
  draft.cut = undefined;
  draft.failing = undefined;
}

function collect(draft: Draft, frame: Frame, into: Map<number, Frame>): void {
  if (!into.has(frame.id)) into.set(frame.id, { ...frame });
  for (const child of childrenOf(draft, frame.id)) collect(draft, child, into);
}

function asTakenUp(frame: Frame, isParent: boolean, isFailing: boolean): Frame {
  const { phase } = frame;
  const stays =
    phase.kind === 'done' ||
    (phase.kind === 'children' && (isParent || !isFailing)) ||
    (phase.kind === 'enter' && !isFailing);
  if (stays) return { ...frame, retries: [] };
  const owed = owedBy(frame);
  // A Retrier's pause was to lead to a new map run.
  const mapRun = phase.kind === 'retrying' ? undefined : frame.mapRun;
  return {
    ...frame,
    retries: [],
    phase: {
      kind: 'retrying',
      untilMs: 0,
      ...(owed !== undefined && { owed }),
      ...(mapRun !== undefined && { mapRun }),
    },
  };
}

function owedBy(frame: Frame): Owed | undefined {
  const awaited = awaitedOf(frame);
  return awaited === undefined || !('key' in frame.phase) ? undefined : { key: frame.phase.key, awaited };
}
