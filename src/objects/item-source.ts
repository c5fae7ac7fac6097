import type { JsonObject } from '../std/json.js';
import { WorkflowError } from './workflow-error.js';

/** Where a distributed Map's items come from: its ItemReader, everything in it evaluated. */
export interface ItemSource {
  /** `arn:aws:states:::s3:getObject` or `arn:aws:states:::s3:listObjectsV2`, in any partition. */
  resource: string;
  /** Its Parameters or Arguments: Bucket, and Key (with VersionId) or Prefix. */
  parameters: JsonObject;
  config: ReaderConfig;
  /** MaxItems; undefined: all. */
  maxItems: number | undefined;
}

/** The ReaderConfig as a definition has it: InputType, CSVHeaderLocation and so on. What is unknown is left alone. */
export type ReaderConfig = JsonObject;

/** The InputTypes that can be read. PARQUET, which AWS also has, is not among them. */
export const INPUT_TYPES = ['JSON', 'JSONL', 'CSV', 'MANIFEST'] as const;
export type InputType = (typeof INPUT_TYPES)[number];

/** Whether an ItemReader's `InputType` is one that is read here; PARQUET, which AWS has too, is not. */
export function isSupportedInputType(type: string): type is InputType {
  return INPUT_TYPES.some((supported) => supported === type);
}

/** The characters that CSVDelimiter names. */
export const CSV_DELIMITERS: Readonly<Record<string, string>> = {
  COMMA: ',',
  PIPE: '|',
  SEMICOLON: ';',
  SPACE: ' ',
  TAB: '\t',
};

/** The items cannot be read: what the workflow sees and may catch. */
export class ItemReaderError extends WorkflowError {
  override readonly name = 'ItemReaderError';
  readonly error = 'States.ItemReaderFailed';
}

/** The largest item, and the largest word of JSON on the way to one, in bytes: what is held in memory at once. */
export const MAX_ITEM_BYTES = 16 * 1024 * 1024;

/** The deepest nesting of an item, as for the input of an execution. */
export const MAX_ITEM_DEPTH = 500;
