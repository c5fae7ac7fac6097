/** What the next members are made from, read a chunk at a time, so that a leader never holds more than one. */
import { outputOfState } from '../engine/index.js';
import type { Json } from '../std/json.js';
import type { BatchStore, Chunk, LedBatch, NewMember, Source } from './ports.js';
import { createTransform, type Transform } from './transforming.js';

interface MemberSource {
  /** The members from an index on: at least one, at most `count`; fewer when the chunk ends, or transforming takes long. */
  take(from: number, count: number): Promise<NewMember[]>;
}

/** A source's output can be as large as the payload limit: so many are read at once, not a whole chunk. */
const SOURCES_MAX = 100;

/** A transformer may take a second for each source; the batch may have been stopped meanwhile. */
const TRANSFORMING_MAX_MS = 500;

export function createMemberSource(store: BatchStore, batch: LedBatch): MemberSource {
  let chunk: Chunk | undefined;
  const { sourceStateName, sourceTransformer } = batch;
  const transform = sourceTransformer === undefined ? undefined : createTransform(sourceTransformer);
  return {
    take: async (from, count) => {
      if (chunk === undefined || !holds(chunk, from)) chunk = await store.readChunk(batch.batchId, from);
      const start = from - chunk.firstIndex;
      if (chunk.kind === 'inputs') {
        return chunk.inputs.slice(start, start + count).map((input) => ({
          kind: 'runnable',
          input,
          sourceExecutionId: undefined,
          ...(batch.batched && { items: itemsIn(input) }),
        }));
      }
      const ids = chunk.executionIds.slice(start, start + Math.min(count, SOURCES_MAX));
      const sources = await store.readSources(ids, sourceStateName);
      const byId = new Map(sources.map((source) => [source.executionId, source]));
      const plain = ids.map((id) => memberOf(id, byId.get(id), sourceStateName));
      return transform === undefined ? plain : transformAll(transform, plain, byId, sourceStateName);
    },
  };
}

/** As many of the members as there is time for, the first ones. */
async function transformAll(
  transform: Transform,
  members: readonly NewMember[],
  sources: ReadonlyMap<string, Source>,
  stateName: string | undefined,
): Promise<NewMember[]> {
  const begunMs = performance.now();
  const done: NewMember[] = [];
  for (const member of members) {
    if (done.length > 0 && performance.now() - begunMs > TRANSFORMING_MAX_MS) break;
    const source = member.kind === 'runnable' ? sources.get(member.sourceExecutionId ?? '') : undefined;
    if (member.kind === 'failed' || source === undefined) {
      done.push(member);
      continue;
    }
    const { executionId: id, name, stateMachineId, status } = source;
    const about = { id, name, stateMachineId, status, ...(stateName !== undefined && { stateName }) };
    const made = await transform(JSON.parse(member.input) as Json, about); // what was stored was JSON
    done.push(
      made.ok
        ? { ...member, input: made.text }
        : { kind: 'failed', error: 'Escapement.TransformerFailed', cause: made.cause, sourceExecutionId: id },
    );
  }
  return done;
}

/** How many items an ItemBatcher put into a child's input. */
function itemsIn(input: string): number {
  const { Items }: { Items?: unknown } = JSON.parse(input);
  return Array.isArray(Items) ? Items.length : 1;
}

function holds(chunk: Chunk, index: number): boolean {
  const count = chunk.kind === 'inputs' ? chunk.inputs.length : chunk.executionIds.length;
  return index >= chunk.firstIndex && index < chunk.firstIndex + count;
}

/** Chaining: the source's output, or one of its states', is the input. */
function memberOf(id: string, source: Source | undefined, stateName: string | undefined): NewMember {
  if (source === undefined) return withoutOutput(id, `The source execution '${id}' does not exist.`);
  if (stateName === undefined) {
    return source.output === undefined
      ? withoutOutput(id, `The source execution '${id}' is ${source.status} and has no output.`)
      : { kind: 'runnable', input: source.output, sourceExecutionId: id };
  }
  const output = outputOfState(source.events, stateName);
  return output === undefined
    ? withoutOutput(id, `The source execution '${id}' has not left a state named '${stateName}'.`)
    : { kind: 'runnable', input: JSON.stringify(output), sourceExecutionId: id };
}

function withoutOutput(sourceExecutionId: string, cause: string): NewMember {
  return { kind: 'failed', error: 'Escapement.SourceHasNoOutput', cause, sourceExecutionId };
}
