/** The objects room: where a distributed Map's items come from and its results go, in a directory or in S3. */
export type { ChildResult, WriterConfig } from './child-result.js';
export {
  CSV_DELIMITERS,
  INPUT_TYPES,
  type InputType,
  ItemReaderError,
  type ItemSource,
  isSupportedInputType,
  type ReaderConfig,
} from './item-source.js';
export { readItems, readSourcedItems, type SourcedItem } from './items.js';
export { ObjectError, type ObjectErrorCode, type ObjectListing, type ObjectStore } from './object-store.js';
export { type ObjectsConfig, openObjectStore } from './open-store.js';
export {
  ResultsTooLargeError,
  type ResultTarget,
  ResultWriterError,
  transformResults,
  writeResults,
} from './results.js';
export type { S3Settings } from './s3-store.js';
