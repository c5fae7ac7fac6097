import { getField, isObject, type Json, type JsonObject } from '../std/json.js';
import { csvRecords } from './csv-records.js';
import { ItemReaderError, MAX_ITEM_BYTES } from './item-source.js';

interface ManifestFile {
  bucket: string;
  key: string;
}

/**
 * The data files of an S3 inventory and the columns of their rows, from its `manifest.json`
 * (S3 User Guide, Inventory list).
 *
 * @throws ItemReaderError when it is none, or its files are not CSV.
 */
export async function readInventory(
  text: AsyncIterable<string>,
  manifestBucket: string,
): Promise<{ files: ManifestFile[]; headers: string[] }> {
  const manifest = parseManifest(await wholeText(text));
  const format = getField(manifest, 'fileFormat');
  if (format !== 'CSV') {
    throw new ItemReaderError(
      `The inventory's fileFormat is ${JSON.stringify(format ?? null)}; only CSV can be read.`,
    );
  }
  const schema = getField(manifest, 'fileSchema');
  const listed = getField(manifest, 'files');
  if (typeof schema !== 'string' || !Array.isArray(listed)) {
    throw new ItemReaderError('The manifest is no S3 inventory: it has no fileSchema or no files.');
  }
  const destination = getField(manifest, 'destinationBucket');
  const bucket =
    typeof destination === 'string' ? destination.replace(/^arn:[\w-]*:s3:::/, '') : manifestBucket;
  const files = listed.map((file) => ({ bucket, key: keyOf(file) }));
  return { files, headers: schema.split(',').map((name) => name.trim()) };
}

/**
 * The files that Athena's UNLOAD has written, from its manifest: an `s3://bucket/key` a line.
 * @throws ItemReaderError for a line that is none.
 */
export async function* athenaFiles(text: AsyncIterable<string>): AsyncIterable<ManifestFile> {
  for await (const [uri = ''] of csvRecords(text, ',')) {
    const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/i.exec(uri.trim()) ?? [];
    if (bucket === undefined || key === undefined) {
      throw new ItemReaderError(`The manifest names '${uri.slice(0, 200)}', which is no S3 URI.`);
    }
    yield { bucket, key };
  }
}

function parseManifest(text: string): JsonObject {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (error) {
    throw new ItemReaderError('The manifest is not valid JSON.', { from: error });
  }
  if (isObject(value)) return value;
  throw new ItemReaderError('The manifest is no JSON object.');
}

function keyOf(file: Json): string {
  const key = isObject(file) ? getField(file, 'key') : undefined;
  if (typeof key === 'string') return key;
  throw new ItemReaderError('The manifest lists a file without a key.');
}

/** A manifest names files, not items: some thousands at most. */
async function wholeText(text: AsyncIterable<string>): Promise<string> {
  let whole = '';
  for await (const chunk of text) {
    whole += chunk;
    if (whole.length > MAX_ITEM_BYTES)
      throw new ItemReaderError(`The manifest is larger than ${MAX_ITEM_BYTES} bytes.`);
  }
  return whole;
}
