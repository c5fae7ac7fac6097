import { type JsonObject, setField } from '../std/json.js';
import { csvRecords } from './csv-records.js';
import { ItemReaderError } from './item-source.js';

interface CsvLayout {
  delimiter: string;
  /** undefined: the first record is the header. */
  headers: readonly string[] | undefined;
}

/** "CSV headers of up to 10 KiB" (AWS, ItemReader). */
const MAX_HEADER_BYTES = 10 * 1024;

/**
 * A record as an object of strings by header. A field that is missing is the empty string; one that has no
 * header is left out (AWS, ItemReader: CSV). Of two columns of one name the later one stays.
 *
 * @throws ItemReaderError when the text is broken or its header is longer than 10 KiB.
 */
export async function* csvItems(text: AsyncIterable<string>, layout: CsvLayout): AsyncIterable<JsonObject> {
  let { headers } = layout;
  if (headers !== undefined) checkHeaders(headers);
  for await (const record of csvRecords(text, layout.delimiter)) {
    if (headers === undefined) {
      headers = record;
      checkHeaders(headers);
      continue;
    }
    const item: JsonObject = {};
    for (const [index, header] of headers.entries()) setField(item, header, record[index] ?? '');
    yield item;
  }
}

function checkHeaders(headers: readonly string[]): void {
  const bytes = headers.reduce((sum, header) => sum + Buffer.byteLength(header) + 1, -1);
  if (bytes > MAX_HEADER_BYTES) {
    throw new ItemReaderError(
      `The CSV header has ${bytes} bytes; the largest allowed is ${MAX_HEADER_BYTES}.`,
    );
  }
}
