/**
 * Asks the payment service for a payment and hands it the address to call back at. What this returns is not the
 * task's result: that is what the service answers, seconds or hours later.
 */
import { defineHandlers } from 'escapement';

const PAYMENT_URL = process.env.PAYMENT_URL ?? 'http://127.0.0.1:4000';
/** Under which the payment service reaches the API. */
const ESCAPEMENT_URL = process.env.ESCAPEMENT_URL ?? 'http://127.0.0.1:3000';

export default defineHandlers({
  async requestPayment({ orderId, cents, token }, { idempotencyKey, signal }) {
    const callback = `${ESCAPEMENT_URL}/task-tokens/${encodeURIComponent(token)}`;
    const response = await fetch(`${PAYMENT_URL}/payments`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': idempotencyKey },
      body: JSON.stringify({ orderId, cents, callback }),
      signal,
    }).catch((cause) => {
      throw unavailable('it cannot be reached', cause);
    });
    if (response.status >= 500) throw unavailable(`it answered ${response.status}`);
    if (!response.ok) throw new Error(`The payment service answered ${response.status}.`);
  },
});

/** An error whose name the Retry of the definition looks at. */
function unavailable(why, cause) {
  return Object.assign(new Error(`The payment service: ${why}.`, { cause }), {
    name: 'PaymentServiceUnavailable',
  });
}
