import type { Json, JsonObject } from '../../src/std/json.js';
import { isObject } from '../../src/std/json.js';
import { orderOf, readDefinition, STEPS } from '../orders.js';
import type { Duel } from './duel.js';
import { interpret, machineFrom } from './interpreter.js';

/**
 * The order-processing example, four Task states, against a function of four awaited calls that gathers the same
 * order. The calls answer at once, and do nothing: what is measured is what comes on top of them.
 */
export async function orderProcessing(asText: boolean): Promise<Duel> {
  const machine = machineFrom(await readDefinition());
  const input = JSON.parse(orderOf(1)) as JsonObject;
  return {
    name: `order processing, 4 Task states${asText ? ", with the journal's text" : ''}`,
    against: 'an async function of four awaited calls',
    units: STEPS.length,
    target: 0.1,
    ours: () =>
      interpret({
        machine,
        input,
        call: ({ functionName, input }) => CALLS[functionName]?.(input) ?? null,
        asText,
      }),
    theirs: () => processOrder(input),
  };
}

async function processOrder(input: JsonObject): Promise<Json> {
  const validated = { ...input, validation: await validateOrder(input) };
  const reserved = { ...validated, reservation: await reserveStock() };
  const charged = { ...reserved, payment: await chargeCard(reserved) };
  return { ...charged, shipment: await shipOrder() };
}

async function validateOrder(order: Json): Promise<JsonObject> {
  const items = isObject(order) && Array.isArray(order['items']) ? order['items'] : [];
  return { totalCents: 4900 * items.length, itemCount: items.length };
}

async function reserveStock(): Promise<JsonObject> {
  return { reservationId: 'res-0123456789', warehouse: 'north' };
}

async function chargeCard(order: Json): Promise<JsonObject> {
  const validation = isObject(order) ? order['validation'] : null;
  const totalCents = isObject(validation) ? validation['totalCents'] : null;
  return { paymentId: 'pay-0123456789', chargedCents: totalCents ?? 0 };
}

async function shipOrder(): Promise<JsonObject> {
  return { trackingNumber: 'trk-0123456789', carrier: 'post' };
}

const CALLS: Readonly<Record<string, (input: Json) => Promise<JsonObject>>> = {
  validateOrder,
  reserveStock,
  chargeCard,
  shipOrder,
};
