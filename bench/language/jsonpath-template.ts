import type { Scope } from '../../src/asl/scope.js';
import { compileTemplate, fillTemplate } from '../../src/asl/template.js';
import type { Json, JsonObject } from '../../src/std/json.js';
import type { Duel } from './duel.js';
import { ENTROPY } from './interpreter.js';
import { CONTEXT, INPUT, ORDER, type Order, PLAIN_FIELDS } from './order.js';

/**
 * A payload template of 30 paths. There is no JSONPath library among our dependencies, since ours is our own, so it
 * stands against two that are written by hand: one that walks along prepared keys, which is the least that a library
 * without `eval` has to do; and one that V8 compiles, an object literal, which none can be as quick as.
 */
export function jsonpathTemplates(): Duel[] {
  const template = compileTemplate({
    ...Object.fromEntries(PLAIN_FIELDS.map(([name, path]) => [`${name}.$`, `$.${path}`])),
    'skus.$': '$.items[*].sku',
    'dear.$': '$.items[?(@.cents > 300)]',
    'execution.$': '$$.Execution.Name',
  });
  // A scope for each, as the engine has one for each state: it counts the work that is done in it.
  const ours = async (): Promise<Json> => fillTemplate(template, scopeOf(), INPUT);
  const name = 'JSONPath template of 30 fields';
  const common = { name, units: 1, target: 1 / 3, ours };
  return [
    { ...common, against: 'a walk along prepared keys', theirs: async () => walkAll() },
    {
      ...common,
      against: 'an object literal of property accesses',
      theirs: async () => build(ORDER, CONTEXT),
    },
  ];
}

function scopeOf(): Scope {
  return { input: INPUT, context: CONTEXT, variables: {}, nowMs: 0, entropy: ENTROPY };
}

const WALKS = PLAIN_FIELDS.map(([name, path]) => [name, path.match(/[^.[\]]+/g) ?? []] as const);

function walkAll(): JsonObject {
  const filled: JsonObject = {};
  for (const [name, keys] of WALKS) filled[name] = need(walk(INPUT, keys));
  const items = need(walk(INPUT, ['items'])) as Json[];
  filled['skus'] = items.flatMap((item) => walk(item, ['sku']) ?? []);
  filled['dear'] = items.filter((item) => Number(walk(item, ['cents'])) > 300);
  filled['execution'] = need(walk(CONTEXT, ['Execution', 'Name']));
  return filled;
}

function walk(root: Json, keys: readonly string[]): Json | undefined {
  let node: Json | undefined = root;
  for (const key of keys) {
    if (typeof node !== 'object' || node === null || !Object.hasOwn(node, key)) return undefined;
    node = (node as JsonObject)[key];
  }
  return node;
}

/** As somebody would write it who wants an error when a field is missing. */
function build(order: Order, context: typeof CONTEXT): JsonObject {
  const { customer, items, payment, shipping, totals, notes } = order;
  return {
    orderId: need(order.id),
    placedAt: need(order.placedAt),
    currency: need(order.currency),
    customerId: need(customer.id),
    customerName: need(customer.name),
    email: need(customer.email),
    tier: need(customer.tier),
    street: need(customer.address.street),
    city: need(customer.address.city),
    postcode: need(customer.address.postcode),
    country: need(customer.address.country),
    firstSku: need(items[0]?.sku),
    firstQuantity: need(items[0]?.quantity),
    lastSku: need(items[2]?.sku),
    method: need(payment.method),
    cardBrand: need(payment.card.brand),
    cardLast4: need(payment.card.last4),
    cardExpires: need(payment.card.expires),
    carrier: need(shipping.carrier),
    service: need(shipping.service),
    weight: need(shipping.weightGrams),
    goods: need(totals.goods),
    shippingCents: need(totals.shipping),
    tax: need(totals.tax),
    total: need(totals.all),
    gift: need(notes.gift),
    items: need(items),
    skus: items.map(({ sku }) => sku),
    dear: items.filter(({ cents }) => cents > 300),
    execution: need(context.Execution.Name),
  };
}

function need<T extends Json>(value: T | undefined): T {
  if (value === undefined) throw new Error('a field is missing');
  return value;
}
