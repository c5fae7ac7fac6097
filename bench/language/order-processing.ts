import type { Json, JsonObject } from '../../src/std/json.js';
import { HANDLERS_FILE, orderOf, readDefinition, STEPS } from '../orders.js';
import type { Duel } from './duel.js';
import { ABOUT, interpret, machineFrom } from './interpreter.js';

export interface OrderProcessingOptions {
  /** `example`: the example's own handlers, which hash a reference each. `empty`: calls that do nothing. */
  calls: 'example' | 'empty';
  /** Also makes the texts that the journal would be given. */
  asText: boolean;
}

/**
 * The order-processing example, four Task states, against a function of four awaited calls that gathers the same
 * order. The calls answer at once.
 */
export async function orderProcessing({ calls, asText }: OrderProcessingOptions): Promise<Duel> {
  const machine = machineFrom(await readDefinition());
  const input = JSON.parse(orderOf(1)) as JsonObject;
  const call = calls === 'empty' ? callNothing : await exampleCalls();
  return {
    name: `order processing, 4 Task states${calls === 'empty' ? ', empty calls' : ''}${asText ? ", with the journal's text" : ''}`,
    against: 'an async function of four awaited calls',
    units: STEPS.length,
    target: 0.1,
    ours: () =>
      interpret({
        machine,
        input,
        asText,
        call: ({ call: wanted, key }) =>
          wanted.kind === 'function' ? call(wanted.functionName, wanted.input, key) : null,
      }),
    theirs: () => processOrder(input, call),
  };
}

type Call = (name: string, input: Json, idempotencyKey: string) => Promise<Json>;

async function processOrder(input: JsonObject, call: Call): Promise<Json> {
  const validated = { ...input, validation: await call('validateOrder', input, `${ID}/3`) };
  const reserved = { ...validated, reservation: await call('reserveStock', validated, `${ID}/8`) };
  const charged = { ...reserved, payment: await call('chargeCard', reserved, `${ID}/13`) };
  return { ...charged, shipment: await call('shipOrder', charged, `${ID}/18`) };
}

/** As the interpreter's executions are called: the handlers hash it. */
const ID = ABOUT.executionId;

async function exampleCalls(): Promise<Call> {
  const { default: handlers } = (await import(HANDLERS_FILE)) as { default: Record<string, Handler> };
  return async (name, input, idempotencyKey) => {
    const handler = handlers[name];
    if (handler === undefined) throw new Error(`the example has no handler ${name}`);
    return handler(input, { idempotencyKey });
  };
}

type Handler = (input: Json, context: { idempotencyKey: string }) => Json;

async function callNothing(name: string): Promise<Json> {
  switch (name) {
    case 'validateOrder':
      return { totalCents: 4900, itemCount: 1 };
    case 'reserveStock':
      return { reservationId: 'res-0123456789', warehouse: 'north' };
    case 'chargeCard':
      return { paymentId: 'pay-0123456789', chargedCents: 4900 };
    default:
      return { trackingNumber: 'trk-0123456789', carrier: 'post' };
  }
}
