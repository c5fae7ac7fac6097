import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import type { ObjectStore } from './object-store.js';

export type OutputType = 'JSON' | 'JSONL';

/** A file of results that is being written, a result at a time, as fast as the store takes them. */
export interface ResultFile {
  readonly key: string;
  /** Bytes so far. */
  readonly size: number;
  /** @throws what the store throws. */
  add(text: string): Promise<void>;
  /** Makes the file exist. @throws what the store throws. */
  finish(): Promise<void>;
  /** Gives up; the file never exists. */
  abandon(): Promise<void>;
}

export function openResultFile(
  store: ObjectStore,
  bucket: string,
  key: string,
  type: OutputType,
): ResultFile {
  const pipe = new PassThrough({ objectMode: true, highWaterMark: 64 });
  const written = store.write(bucket, key, pipe);
  // A store that has failed takes nothing more: whoever waits for room is told so by the pipe.
  pipe.on('error', () => undefined);
  written.catch((error: unknown) => pipe.destroy(error instanceof Error ? error : new Error(String(error))));
  let size = 0;
  let count = 0;

  const put = async (text: string): Promise<void> => {
    size += Buffer.byteLength(text);
    if (pipe.destroyed)
      await written; // which throws
    else if (!pipe.write(text)) await once(pipe, 'drain');
  };

  return {
    key,
    get size() {
      return size;
    },
    add: (text) => {
      count += 1;
      if (type === 'JSONL') return put(`${text}\n`);
      return put(`${count === 1 ? '[' : ','}${text}`);
    },
    finish: async () => {
      if (type === 'JSON') await put(count === 0 ? '[]' : ']');
      pipe.end();
      await written;
    },
    abandon: async () => {
      pipe.destroy(new Error('the results are not written'));
      await written.catch(() => undefined);
    },
  };
}
