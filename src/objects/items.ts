import { getField, type Json } from '../std/json.js';
import { csvItems } from './csv-items.js';
import {
  CSV_DELIMITERS,
  INPUT_TYPES,
  type InputType,
  ItemReaderError,
  type ItemSource,
  isSupportedInputType,
  type ReaderConfig,
} from './item-source.js';
import { jsonItems } from './json-items.js';
import { jsonLineItems } from './json-lines.js';
import { athenaFiles, readInventory } from './manifest.js';
import { ObjectError, type ObjectStore } from './object-store.js';
import { decoded, unpacked } from './text.js';

/** An item, and what `$$.Map.Item` says of it beside its value and index. */
export interface SourcedItem {
  value: Json;
  /** The field's name, where the fields of an object are iterated over. */
  key?: string;
  /** `S3://bucket/key`, or `S3://bucket` for a listing. */
  source: string;
}

/**
 * The items that an ItemReader names, read as they are asked for. Whoever stops early (`break`, `return`) closes
 * the object.
 *
 * @throws ItemReaderError, here or after some items.
 */
export async function* readItems(store: ObjectStore, source: ItemSource): AsyncIterable<Json> {
  for await (const { value } of readSourcedItems(store, source)) yield value;
}

/** As `readItems`, with where each item is from. */
export async function* readSourcedItems(store: ObjectStore, source: ItemSource): AsyncIterable<SourcedItem> {
  const limit = source.maxItems ?? Number.POSITIVE_INFINITY;
  if (limit <= 0) return;
  let count = 0;
  try {
    for await (const item of itemsOf(store, source)) {
      yield item;
      count += 1;
      if (count >= limit) return;
    }
  } catch (error) {
    throw asItemReaderError(error);
  }
}

function itemsOf(
  store: ObjectStore,
  { resource, parameters, config }: ItemSource,
): AsyncIterable<SourcedItem> {
  const parameter = (name: string): string | undefined => {
    const value = getField(parameters, name);
    if (value === undefined || typeof value === 'string') return value;
    throw new ItemReaderError(`The ItemReader's ${name} must be a string.`);
  };
  const required = (name: string): string => {
    const value = parameter(name);
    if (value !== undefined && value !== '') return value;
    throw new ItemReaderError(`The ItemReader has no ${name}.`);
  };
  const action = /^arn:[\w-]+:states:::s3:(\w+)$/.exec(resource)?.[1];
  if (action === 'listObjectsV2') return listing(store, required('Bucket'), parameter('Prefix'), config);
  if (action !== 'getObject') {
    throw new ItemReaderError(`The ItemReader's Resource '${resource}' is not supported.`);
  }
  const place: Place = { bucket: required('Bucket'), key: required('Key') };
  const versionId = parameter('VersionId');
  if (versionId !== undefined) place.versionId = versionId;
  return wordOf(config, 'ManifestType') !== undefined || inputTypeOf(config) === 'MANIFEST'
    ? manifestItems(store, place, config)
    : objectItems(store, place, config);
}

interface Place {
  bucket: string;
  key: string;
  versionId?: string;
}

/** The objects themselves, or with Transformation LOAD_AND_FLATTEN the items in each of them, one after another. */
async function* listing(
  store: ObjectStore,
  bucket: string,
  prefix: string | undefined,
  config: ReaderConfig,
): AsyncIterable<SourcedItem> {
  const transformation = wordOf(config, 'Transformation') ?? 'NONE';
  if (transformation !== 'NONE' && transformation !== 'LOAD_AND_FLATTEN') {
    throw new ItemReaderError(`The ItemReader's Transformation '${transformation}' is not supported.`);
  }
  for await (const object of store.list(bucket, prefix)) {
    if (transformation === 'NONE') {
      yield { value: { ...object }, source: `S3://${bucket}` };
    } else if (!(object.Key.endsWith('/') && object.Size === 0)) {
      // What is left out stands for a folder.
      yield* objectItems(store, { bucket, key: object.Key }, config);
    }
  }
}

async function* objectItems(
  store: ObjectStore,
  { bucket, key, versionId }: Place,
  config: ReaderConfig,
): AsyncIterable<SourcedItem> {
  const source = `S3://${bucket}/${key}`;
  const type = inputTypeOf(config);
  const bytes = unpacked(await store.read(bucket, key, versionId));
  switch (type) {
    case 'JSON':
      for await (const item of jsonItems(bytes, wordOf(config, 'ItemsPointer'))) yield { ...item, source };
      return;
    case 'JSONL':
      for await (const value of jsonLineItems(decoded(bytes))) yield { value, source };
      return;
    case 'CSV': {
      const layout = { delimiter: delimiterOf(config), headers: headersOf(config) };
      for await (const value of csvItems(decoded(bytes), layout)) yield { value, source };
      return;
    }
    case 'MANIFEST':
      throw new ItemReaderError('A manifest can be read by s3:getObject only.');
  }
}

/** The rows of the files that a manifest names: an S3 inventory's, or what Athena's UNLOAD has written. */
async function* manifestItems(
  store: ObjectStore,
  { bucket, key, versionId }: Place,
  config: ReaderConfig,
): AsyncIterable<SourcedItem> {
  const manifest = decoded(unpacked(await store.read(bucket, key, versionId)));
  const type = wordOf(config, 'ManifestType') ?? 'S3_INVENTORY';
  if (type === 'ATHENA_DATA') {
    const inputType = inputTypeOf(config);
    if (inputType !== 'CSV' && inputType !== 'JSONL') {
      throw new ItemReaderError('A manifest of ATHENA_DATA needs the InputType CSV or JSONL.');
    }
    for await (const place of athenaFiles(manifest)) yield* objectItems(store, place, config);
    return;
  }
  if (type !== 'S3_INVENTORY') throw new ItemReaderError(`The ManifestType '${type}' is not supported.`);
  const { files, headers } = await readInventory(manifest, bucket);
  for (const place of files) {
    const text = decoded(unpacked(await store.read(place.bucket, place.key)));
    const source = `S3://${place.bucket}/${place.key}`;
    for await (const value of csvItems(text, { delimiter: ',', headers })) yield { value, source };
  }
}

function inputTypeOf(config: ReaderConfig): InputType {
  const type = wordOf(config, 'InputType');
  if (type !== undefined && isSupportedInputType(type)) return type;
  const known = INPUT_TYPES.join(', ');
  if (type === undefined)
    throw new ItemReaderError(`The ReaderConfig has no InputType; expected one of ${known}.`);
  throw new ItemReaderError(`The InputType '${type}' is not supported; expected one of ${known}.`);
}

function delimiterOf(config: ReaderConfig): string {
  const name = wordOf(config, 'CSVDelimiter') ?? 'COMMA';
  const delimiter = Object.hasOwn(CSV_DELIMITERS, name) ? CSV_DELIMITERS[name] : undefined;
  if (delimiter !== undefined) return delimiter;
  throw new ItemReaderError(
    `The CSVDelimiter '${name}' is not supported; expected one of ${Object.keys(CSV_DELIMITERS).join(', ')}.`,
  );
}

function headersOf(config: ReaderConfig): string[] | undefined {
  const location = wordOf(config, 'CSVHeaderLocation');
  if (location === 'FIRST_ROW') return undefined;
  if (location !== 'GIVEN') {
    throw new ItemReaderError('The ReaderConfig of a CSV needs the CSVHeaderLocation FIRST_ROW or GIVEN.');
  }
  const headers = getField(config, 'CSVHeaders');
  if (Array.isArray(headers) && headers.length > 0) {
    const names = headers.filter((header) => typeof header === 'string');
    if (names.length === headers.length) return names;
  }
  throw new ItemReaderError('CSVHeaders must be a list of strings when the CSVHeaderLocation is GIVEN.');
}

function wordOf(config: ReaderConfig, name: string): string | undefined {
  const value = getField(config, name);
  if (value === undefined || typeof value === 'string') return value;
  throw new ItemReaderError(`The ReaderConfig's ${name} must be a string.`);
}

function asItemReaderError(error: unknown): ItemReaderError {
  if (error instanceof ItemReaderError) return error;
  if (error instanceof ObjectError) return new ItemReaderError(error.message, { from: error });
  // A stream that broke; its own words may hold paths and hosts.
  return new ItemReaderError('The object could not be read to its end.', { from: error });
}
