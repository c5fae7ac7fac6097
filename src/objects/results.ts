import { getField, type Json } from '../std/json.js';
import { type ChildResult, resultTexts, type Transformation, type WriterConfig } from './child-result.js';
import { ObjectError, type ObjectStore } from './object-store.js';
import { type OutputType, openResultFile, type ResultFile } from './result-file.js';
import { WorkflowError } from './workflow-error.js';

/** Where the results of a Map Run go: its ResultWriter, everything in it evaluated. */
export interface ResultTarget {
  /** Its Bucket; undefined: a ResultWriter of a WriterConfig alone. */
  bucket: string | undefined;
  prefix: string | undefined;
  writer: WriterConfig;
  mapRunArn: string;
  mapRunId: string;
}

/** The results cannot be written: what the workflow sees and may catch. */
export class ResultWriterError extends WorkflowError {
  override readonly name = 'ResultWriterError';
  readonly error = 'States.ResultWriterFailed';
}

/** The results together are larger than a state's output may be: `States.DataLimitExceeded`. */
export class ResultsTooLargeError extends Error {
  override readonly name = 'ResultsTooLargeError';
  readonly error = 'States.DataLimitExceeded';
}

/** "SUCCEEDED_n.json": a new file begins at 5 GB, S3's largest copy (AWS, ResultWriter). */
const FILE_BYTES = 5 * 1000 ** 3;

/** Which file a result goes into. */
const GROUPS = ['FAILED', 'PENDING', 'SUCCEEDED'] as const;
type Group = (typeof GROUPS)[number];

/**
 * Writes the results to `<prefix>/<map run id>/`, and the list of the files to `manifest.json` there, last, so
 * that whoever finds it finds everything. Answers what the state's output is: `{MapRunArn, ResultWriterDetails}`.
 * May be repeated: the same results give the same objects.
 *
 * @throws ResultWriterError when they cannot be written; whatever `results` throws, as it is.
 */
export async function writeResults(
  store: ObjectStore,
  target: ResultTarget,
  results: AsyncIterable<ChildResult>,
  { fileBytes = FILE_BYTES }: { fileBytes?: number } = {},
): Promise<Json> {
  const { bucket, mapRunArn } = target;
  if (bucket === undefined || bucket === '') throw new ResultWriterError('The ResultWriter has no Bucket.');
  const transformation = transformationOf(target.writer, 'NONE');
  const type = outputTypeOf(target.writer);
  const folder = folderOf(target);
  const files: Record<Group, { Key: string; Size: number }[]> = { FAILED: [], PENDING: [], SUCCEEDED: [] };
  const open = new Map<Group, ResultFile>();

  const close = async (group: Group, file: ResultFile): Promise<void> => {
    await file.finish();
    open.delete(group);
    files[group].push({ Key: file.key, Size: file.size });
  };
  const write = async (result: ChildResult): Promise<void> => {
    const group = groupOf(result);
    for (const text of resultTexts(result, transformation)) {
      let file = open.get(group);
      if (file !== undefined && file.size > 0 && file.size + Buffer.byteLength(text) > fileBytes) {
        await close(group, file);
        file = undefined;
      }
      if (file === undefined) {
        const key = `${folder}${group}_${files[group].length}.${type === 'JSONL' ? 'jsonl' : 'json'}`;
        file = openResultFile(store, bucket, key, type);
        open.set(group, file);
      }
      await file.add(text);
    }
  };

  const key = `${folder}manifest.json`;
  const storing = <T>(work: Promise<T>): Promise<T> => work.catch(rethrowAsWriterError);
  try {
    for await (const result of results) await storing(write(result));
    for (const group of GROUPS) {
      const file = open.get(group);
      if (file !== undefined) await storing(close(group, file));
    }
    const manifest = { DestinationBucket: bucket, MapRunArn: mapRunArn, ResultFiles: files };
    await storing(store.write(bucket, key, JSON.stringify(manifest)));
  } finally {
    for (const file of open.values()) await file.abandon();
  }
  return { MapRunArn: mapRunArn, ResultWriterDetails: { Bucket: bucket, Key: key } };
}

/**
 * The output of a Map without a bucket: the results as a list, in their order; with the OutputType JSONL a text of
 * one a line. Without a Transformation it is COMPACT, as for a Map without a ResultWriter.
 *
 * @param limitBytes how large the output may be; default: 256 KiB, a state's output in AWS.
 * @throws ResultsTooLargeError when it is larger, before all of it is in memory.
 */
export async function transformResults(
  writer: WriterConfig,
  results: AsyncIterable<ChildResult>,
  { limitBytes = 256 * 1024 }: { limitBytes?: number } = {},
): Promise<Json> {
  const transformation = transformationOf(writer, 'COMPACT');
  const texts: string[] = [];
  let size = 1;
  for await (const result of results) {
    for (const text of resultTexts(result, transformation)) {
      size += Buffer.byteLength(text) + 1;
      if (size > limitBytes)
        throw new ResultsTooLargeError(`The results are larger than ${limitBytes} bytes.`);
      texts.push(text);
    }
  }
  if (outputTypeOf(writer) === 'JSONL') return texts.join('\n');
  return JSON.parse(`[${texts.join(',')}]`) as Json;
}

function folderOf({ prefix = '', mapRunId }: ResultTarget): string {
  const start = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
  return `${start}${mapRunId}/`;
}

function groupOf({ status }: ChildResult): Group {
  return status === 'SUCCEEDED' || status === 'PENDING' ? status : 'FAILED';
}

function transformationOf(writer: WriterConfig, fallback: Transformation): Transformation {
  const value = getField(writer, 'Transformation') ?? fallback;
  if (value === 'NONE' || value === 'COMPACT' || value === 'FLATTEN') return value;
  throw new ResultWriterError(`The Transformation ${JSON.stringify(value)} is not supported.`);
}

function outputTypeOf(writer: WriterConfig): OutputType {
  const value = getField(writer, 'OutputType') ?? 'JSON';
  if (value === 'JSON' || value === 'JSONL') return value;
  throw new ResultWriterError(`The OutputType ${JSON.stringify(value)} is not supported.`);
}

function rethrowAsWriterError(error: unknown): never {
  if (error instanceof ObjectError) throw new ResultWriterError(error.message, { from: error });
  throw error;
}
