import { isDeepStrictEqual } from 'node:util';
import type { Run } from '../../src/engine/index.js';

/** Where two runs differ; undefined: nowhere. As JSON: what is left out is not there. */
export function sameFrames(folded: Run, live: Run): string | undefined {
  const ids = new Set([...folded.frames.keys(), ...live.frames.keys()]);
  for (const id of ids) {
    const one = folded.frames.get(id);
    const other = live.frames.get(id);
    if (!isDeepStrictEqual(unbeaten(one), unbeaten(plain(other))))
      return `frame ${String(id)} is ${JSON.stringify(other)}, folded ${JSON.stringify(one)}`;
  }
  const { inboxSeq: _, ...meta } = folded.meta;
  const { inboxSeq: __, ...liveMeta } = live.meta;
  if (!isDeepStrictEqual(meta, plain(liveMeta)))
    return `meta is ${JSON.stringify(liveMeta)}, folded ${JSON.stringify(meta)}`;
  return undefined;
}

/** A call's heartbeat is not committed. */
function unbeaten(frame: unknown): unknown {
  return JSON.parse(
    JSON.stringify(frame ?? null, (name, value: unknown) => (name === 'heartbeatAtMs' ? 0 : value)),
  );
}

function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}
