/** Where objects are: in buckets, under keys, as in Amazon S3. Two adapters keep it: a directory and S3. */
export interface ObjectStore {
  /**
   * The bytes of an object, fetched as they are asked for. `versionId` picks a version where the bucket keeps them.
   * @throws ObjectError, here or while reading.
   */
  read(bucket: string, key: string, versionId?: string): Promise<AsyncIterable<Uint8Array>>;
  /**
   * The objects whose key begins with `prefix`, in the byte order of their keys.
   * @throws ObjectError while listing.
   */
  list(bucket: string, prefix: string | undefined): AsyncIterable<ObjectListing>;
  /**
   * Writes an object whole or not at all: nobody sees a part of it. UTF-8.
   * @throws ObjectError; whatever `body` throws, as it is.
   */
  write(bucket: string, key: string, body: AsyncIterable<string> | string): Promise<void>;
}

/** An object as AWS hands it to a Map that iterates over `s3:listObjectsV2`. */
export interface ObjectListing {
  Etag: string;
  Key: string;
  /** In seconds since 1970. */
  LastModified: number;
  /** In bytes. */
  Size: number;
  StorageClass: string;
}

export type ObjectErrorCode = 'NoSuchKey' | 'NoSuchBucket' | 'AccessDenied' | 'Unavailable';

/** An object, or the place of all objects, that cannot be had. */
export class ObjectError extends Error {
  override readonly name = 'ObjectError';
  readonly code: ObjectErrorCode;

  constructor(code: ObjectErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A text field of what was thrown below us: not by `instanceof`, which another realm's errors fail. */
export function fieldOf(error: unknown, field: 'name' | 'message' | 'code'): string {
  if (typeof error !== 'object' || error === null) return '';
  const value: unknown = Reflect.get(error, field);
  return typeof value === 'string' ? value : '';
}
