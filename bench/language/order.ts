import type { JsonObject } from '../../src/std/json.js';

/** What the templates read from. */
export interface Order {
  id: string;
  placedAt: string;
  currency: string;
  customer: {
    id: string;
    name: string;
    email: string;
    tier: string;
    address: { street: string; city: string; postcode: string; country: string };
  };
  items: { sku: string; quantity: number; cents: number }[];
  payment: { method: string; card: { brand: string; last4: string; expires: string } };
  shipping: { carrier: string; service: string; weightGrams: number };
  totals: { goods: number; shipping: number; tax: number; all: number };
  notes: { gift: boolean; text: string | null };
}

export const ORDER: Order = {
  id: 'B-1001',
  placedAt: '2026-11-23T12:00:00Z',
  currency: 'EUR',
  customer: {
    id: 'C-7',
    name: 'Ada',
    email: 'ada@example.com',
    tier: 'gold',
    address: { street: '1 Clock Lane', city: 'London', postcode: 'N1', country: 'GB' },
  },
  items: [
    { sku: 'CLOCK-7', quantity: 1, cents: 4900 },
    { sku: 'SPRING-2', quantity: 3, cents: 350 },
    { sku: 'KEY-1', quantity: 2, cents: 120 },
  ],
  payment: { method: 'card', card: { brand: 'visa', last4: '4242', expires: '12/29' } },
  shipping: { carrier: 'post', service: 'express', weightGrams: 1200 },
  totals: { goods: 6190, shipping: 500, tax: 1171, all: 7861 },
  notes: { gift: false, text: null },
};

/** As the input of a state. */
export const INPUT = ORDER as unknown as JsonObject;

export const CONTEXT = {
  Execution: { Id: 'e-1', Name: 'bench', StartTime: '2026-11-23T12:00:00.000Z' },
  State: { Name: 'Template', EnteredTime: '2026-11-23T12:00:00.000Z' },
};

/** The 27 fields that both languages say alike but for their beginning, with where they come from. */
export const PLAIN_FIELDS: readonly (readonly [name: string, path: string])[] = [
  ['orderId', 'id'],
  ['placedAt', 'placedAt'],
  ['currency', 'currency'],
  ['customerId', 'customer.id'],
  ['customerName', 'customer.name'],
  ['email', 'customer.email'],
  ['tier', 'customer.tier'],
  ['street', 'customer.address.street'],
  ['city', 'customer.address.city'],
  ['postcode', 'customer.address.postcode'],
  ['country', 'customer.address.country'],
  ['firstSku', 'items[0].sku'],
  ['firstQuantity', 'items[0].quantity'],
  ['lastSku', 'items[2].sku'],
  ['method', 'payment.method'],
  ['cardBrand', 'payment.card.brand'],
  ['cardLast4', 'payment.card.last4'],
  ['cardExpires', 'payment.card.expires'],
  ['carrier', 'shipping.carrier'],
  ['service', 'shipping.service'],
  ['weight', 'shipping.weightGrams'],
  ['goods', 'totals.goods'],
  ['shippingCents', 'totals.shipping'],
  ['tax', 'totals.tax'],
  ['total', 'totals.all'],
  ['gift', 'notes.gift'],
  ['items', 'items'],
];
