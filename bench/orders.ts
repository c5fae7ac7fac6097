/** The work that all do: the order-processing example, its handlers, and orders that go through all four states. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Json } from '../src/std/json.js';

const EXAMPLE = new URL('../examples/order-processing/', import.meta.url);

export const HANDLERS_FILE = fileURLToPath(new URL('handlers.js', EXAMPLE));

export async function readDefinition(): Promise<Json> {
  return JSON.parse(await readFile(new URL('definition.json', EXAMPLE), 'utf8')) as Json;
}

/** The n-th order: it has goods, and a card that is not declined. With it a state leaves about 1 KB of history. */
export function orderOf(n: number): string {
  return JSON.stringify({
    orderId: `B-${n}`,
    card: '4242',
    items: [{ sku: 'CLOCK-7', quantity: 1 + (n % 3), priceCents: 4900 }],
  });
}

/** The states that an order goes through when all is well, with their handlers and where the results go. */
export const STEPS = [
  { state: 'ValidateOrder', handler: 'validateOrder', result: 'validation' },
  { state: 'ReserveStock', handler: 'reserveStock', result: 'reservation' },
  { state: 'ChargeCard', handler: 'chargeCard', result: 'payment' },
  { state: 'ShipOrder', handler: 'shipOrder', result: 'shipment' },
] as const;

/** A definition of only the first so many of those states. */
export function shortDefinition(states: number): Json {
  const steps = STEPS.slice(0, states);
  return {
    StartAt: STEPS[0].state,
    States: Object.fromEntries(
      steps.map(({ state, handler, result }, n) => {
        const next = steps[n + 1]?.state;
        return [
          state,
          {
            Type: 'Task',
            Resource: handler,
            ResultPath: `$.${result}`,
            ...(next === undefined ? { End: true } : { Next: next }),
          },
        ];
      }),
    ),
  };
}
