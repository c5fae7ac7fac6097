import { isDeeperThan, type Json } from '../std/json.js';
import { ItemReaderError, MAX_ITEM_DEPTH } from './item-source.js';
import { linesOf } from './text.js';

/**
 * JSON Lines: an item a line; blank lines are none.
 * @throws ItemReaderError that names the line that is no JSON.
 */
export async function* jsonLineItems(text: AsyncIterable<string>): AsyncIterable<Json> {
  let number = 0;
  for await (const line of linesOf(text)) {
    number += 1;
    if (line.trim() !== '') yield parseLine(line, number);
  }
}

function parseLine(line: string, number: number): Json {
  let value: Json;
  try {
    value = JSON.parse(line) as Json;
  } catch (error) {
    throw new ItemReaderError(`Line ${number} is not valid JSON.`, { from: error });
  }
  if (isDeeperThan(value, MAX_ITEM_DEPTH)) {
    throw new ItemReaderError(`Line ${number} nests deeper than ${MAX_ITEM_DEPTH} levels.`);
  }
  return value;
}
