import type { ObjectListing, ObjectStore } from '../../src/objects/index.js';
import { ObjectError } from '../../src/objects/index.js';

/** Objects in memory, given out in chunks of `chunkBytes`, so that a test decides where a chunk ends. */
export function memoryStore(
  objects: Readonly<Record<string, string | Uint8Array>>,
  chunkBytes = 1 << 16,
): ObjectStore & { written: Map<string, string>; closed: number } {
  const written = new Map<string, string>();
  const store = {
    written,
    closed: 0,
    read: async (bucket: string, key: string): Promise<AsyncIterable<Uint8Array>> => {
      const content = objects[`${bucket}/${key}`];
      if (content === undefined)
        throw new ObjectError('NoSuchKey', `The specified key does not exist: '${key}'.`);
      const bytes = typeof content === 'string' ? Buffer.from(content) : content;
      return (async function* () {
        try {
          for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
        } finally {
          store.closed += 1;
        }
      })();
    },
    list: async function* (bucket: string, prefix: string | undefined): AsyncIterable<ObjectListing> {
      for (const name of Object.keys(objects)) {
        const key = name.slice(bucket.length + 1);
        if (!name.startsWith(`${bucket}/`) || !key.startsWith(prefix ?? '')) continue;
        yield {
          Etag: '"1"',
          Key: key,
          LastModified: 1,
          Size: objects[name]?.length ?? 0,
          StorageClass: 'STANDARD',
        };
      }
    },
    write: async (bucket: string, key: string, body: AsyncIterable<string> | string): Promise<void> => {
      let text = '';
      if (typeof body === 'string') text = body;
      else for await (const part of body) text += part;
      written.set(`${bucket}/${key}`, text);
    },
  };
  return store;
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
