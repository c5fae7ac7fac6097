/**
 * What a job says: these executions may be runnable, or: this batch wants somebody to lead it. It carries no
 * state, so a job that is lost costs time and a job that comes twice costs a look.
 */
export type Doorbell = { kind: 'executions'; ids: string[] } | { kind: 'batch'; batchId: string };

/** At most so many executions in one job: what one worker takes on at once. */
const MAX_IDS = 50;

/** As it lies in the queue. */
export type DoorbellData = { ids: readonly string[] } | { batchId: string };

/** Reads a job's data, which any version of ours, or somebody else, may have written. */
export function readDoorbell(data: unknown): Doorbell | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  if ('batchId' in data && typeof data.batchId === 'string') return { kind: 'batch', batchId: data.batchId };
  if (!('ids' in data) || !Array.isArray(data.ids) || data.ids.length === 0) return undefined;
  const ids = data.ids.filter((id): id is string => typeof id === 'string');
  return ids.length === data.ids.length ? { kind: 'executions', ids } : undefined;
}

/** Divides ids into the data of as many jobs as it takes. */
export function chunksOf(ids: readonly string[], chunkSize: number): DoorbellData[] {
  const size = Math.min(Math.max(1, chunkSize), MAX_IDS);
  const chunks: DoorbellData[] = [];
  for (let at = 0; at < ids.length; at += size) chunks.push({ ids: ids.slice(at, at + size) });
  return chunks;
}
