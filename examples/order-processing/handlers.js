/**
 * The handlers of the order-processing example. A real service would talk to its warehouse and its payment
 * provider here, and hand them the idempotency key; this one only computes, so that it runs anywhere.
 */
import { createHash } from 'node:crypto';
import { defineHandlers } from 'escapement';

/** An error whose name Retry and Catch of the definition look at. */
function problem(name, message) {
  return Object.assign(new Error(message), { name });
}

/** A short reference that is the same however often the same attempt is called. */
function reference(prefix, idempotencyKey) {
  return `${prefix}-${createHash('sha256').update(idempotencyKey).digest('hex').slice(0, 10)}`;
}

export default defineHandlers({
  validateOrder(order) {
    if (!Array.isArray(order.items) || order.items.length === 0) {
      throw problem('InvalidOrder', `Order ${order.orderId} has no items.`);
    }
    const totalCents = order.items.reduce((sum, item) => sum + item.quantity * item.priceCents, 0);
    return { totalCents, itemCount: order.items.length };
  },

  reserveStock(order, { idempotencyKey }) {
    const missing = order.items.find((item) => item.sku.startsWith('SOLD-OUT'));
    if (missing) throw problem('OutOfStock', `${missing.sku} is sold out.`);
    return { reservationId: reference('res', idempotencyKey), warehouse: 'north' };
  },

  chargeCard(order, { idempotencyKey }) {
    if (order.card === 'declined')
      throw problem('CardDeclined', `The card of order ${order.orderId} was declined.`);
    return { paymentId: reference('pay', idempotencyKey), chargedCents: order.validation.totalCents };
  },

  shipOrder(_order, { idempotencyKey }) {
    return { trackingNumber: reference('trk', idempotencyKey), carrier: 'post' };
  },

  releaseStock(order) {
    return { released: order.reservation.reservationId };
  },
});
