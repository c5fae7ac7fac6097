/**
 * Reads a generated object through `readItems` and prints how many items it had and how much memory the process
 * came to need. A process of its own, since nobody else's memory may count: `node ... read-large.ts TYPE BYTES`.
 */
import { type ObjectStore, readItems } from '../../src/objects/index.js';

const [type = '', bytes = ''] = process.argv.slice(2);
const target = Number(bytes);

async function* content(): AsyncIterable<Uint8Array> {
  const row = (n: number): string =>
    type === 'CSV'
      ? `${n},"name, ${n}",${'x'.repeat(180)}\n`
      : JSON.stringify({
          id: n,
          name: `name ${n}`,
          tags: ['a', 'b'],
          nested: { text: 'x'.repeat(120), real: 1.5 },
        });
  const between = type === 'JSON' ? ',' : '\n';
  let written = 0;
  let n = 0;
  yield Buffer.from(
    type === 'JSON' ? '{"skipped": [1, {"a": 2}], "rows": [' : type === 'CSV' ? 'id,name,text\n' : '',
  );
  while (written < target) {
    const rows = Array.from({ length: 400 }, () => row(n++));
    const text = type === 'CSV' ? rows.join('') : (n > 400 ? between : '') + rows.join(between);
    const chunk = Buffer.from(text);
    written += chunk.length;
    yield chunk;
    await new Promise((resolve) => setImmediate(resolve));
  }
  yield Buffer.from(type === 'JSON' ? ']}' : '');
}

const store: ObjectStore = {
  read: async () => content(),
  list: () => {
    throw new Error('nobody lists');
  },
  write: async () => undefined,
};

const config =
  { JSON: { ItemsPointer: '/rows' }, JSONL: {}, CSV: { CSVHeaderLocation: 'FIRST_ROW' } }[type] ?? {};
let items = 0;
let peak = 0;
for await (const _ of readItems(store, {
  resource: 'arn:aws:states:::s3:getObject',
  parameters: { Bucket: 'b', Key: 'k' },
  config: { InputType: type, ...config },
  maxItems: undefined,
})) {
  items += 1;
  if (items % 1000 === 0) peak = Math.max(peak, process.memoryUsage().rss);
}
process.stdout.write(JSON.stringify({ items, peak }));
