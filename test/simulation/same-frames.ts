import { isDeepStrictEqual } from 'node:util';
import type { Frame, Run, RunMeta } from '../../src/engine/index.js';

export interface Folded {
  frames: ReadonlyMap<number, Frame>;
  meta: RunMeta | undefined;
}

/** Where a run in memory differs from what its journal folds to; undefined: nowhere. */
export function sameFrames(folded: Folded, live: Run): string | undefined {
  const ids = new Set([...folded.frames.keys(), ...live.frames.keys()]);
  for (const id of ids) {
    const one = folded.frames.get(id);
    const other = live.frames.get(id);
    if (!isSame(one, other))
      return `frame ${String(id)} is ${JSON.stringify(other)}, folded ${JSON.stringify(one)}`;
  }
  // An activation counts what it has read before it says so in the journal.
  const { inboxSeq: _, ...meta } = folded.meta ?? live.meta;
  const { inboxSeq: __, ...liveMeta } = live.meta;
  if (!isSame(meta, liveMeta)) return `meta is ${JSON.stringify(liveMeta)}, folded ${JSON.stringify(meta)}`;
  return undefined;
}

/** As JSON: what is undefined is not there. A call's heartbeat is not committed, so it may differ. */
function isSame(one: unknown, other: unknown): boolean {
  if (JSON.stringify(one) === JSON.stringify(other)) return true;
  return isDeepStrictEqual(unbeaten(one), unbeaten(other));
}

function unbeaten(frame: unknown): unknown {
  const text = JSON.stringify(frame ?? null, (name, value: unknown) =>
    name === 'heartbeatAtMs' ? 0 : value,
  );
  return JSON.parse(text) as unknown;
}
