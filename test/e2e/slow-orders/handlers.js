/**
 * The example's order handlers, slowed down: charging a card takes three seconds, as it may in life. So
 * there is a middle of a batch in which a worker can be killed.
 *
 * Runs in the image only, where this directory is mounted beside the examples.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { defineHandlers } from 'escapement';
import orders from '../examples/order-processing/handlers.js';

export default defineHandlers({
  ...orders,
  async chargeCard(order, context) {
    await sleep(3_000, undefined, { signal: context.signal });
    return orders.chargeCard(order, context);
  },
});
