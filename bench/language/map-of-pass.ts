import type { Json } from '../../src/std/json.js';
import type { Duel } from './duel.js';
import { interpret, machineFrom } from './interpreter.js';

interface Item {
  [field: string]: Json;
  id: string;
  quantity: number;
  cents: number;
}

const ITEMS = 1000;

/** An inline Map of a Pass that adds a field to its item, against an async function for each item. */
export function mapOfPass(asText: boolean): Duel {
  const machine = machineFrom({
    StartAt: 'Each',
    States: {
      Each: {
        Type: 'Map',
        ItemProcessor: {
          StartAt: 'Mark',
          States: { Mark: { Type: 'Pass', Result: { ok: true }, ResultPath: '$.check', End: true } },
        },
        End: true,
      },
    },
  });
  const input = Array.from(
    { length: ITEMS },
    (_, n): Item => ({ id: `item-${String(n)}`, quantity: 1 + (n % 3), cents: 4900 }),
  );
  return {
    name: `Map of ${ITEMS.toLocaleString('en')} Pass${asText ? ", with the journal's text" : ''}`,
    against: 'an async function for each item, awaited together',
    // The Pass states, and the Map itself.
    units: ITEMS + 1,
    target: 0.1,
    ours: () => interpret({ machine, input, asText }),
    theirs: () => Promise.all(input.map(markItem)),
  };
}

async function markItem(item: Item): Promise<Json> {
  return { ...item, check: { ok: true } };
}
