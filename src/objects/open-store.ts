import { openDirectoryStore } from './directory-store.js';
import type { ObjectStore } from './object-store.js';
import { openS3Store, type S3Settings } from './s3-store.js';

/** Which adapter keeps the objects. Neither: state machines that read or write objects cannot run. */
export interface ObjectsConfig {
  /** A directory whose subdirectories are the buckets. */
  directory: string | undefined;
  s3: S3Settings | undefined;
}

/** The store that the configuration names, or undefined. Opens no connection and touches no file yet. */
export function openObjectStore(config: ObjectsConfig): ObjectStore | undefined {
  if (config.directory !== undefined) return openDirectoryStore(config.directory);
  return config.s3 === undefined ? undefined : openS3Store(config.s3);
}
