/**
 * A payment service as somebody else might run it: it takes a payment, answers 202, and calls back when it knows
 * whether it went through. Amounts over 1,000.00 are declined. Nothing but Node's own modules.
 *
 *   PORT=4000 SETTLE_MS=2000 node payment-service.js
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const PORT = Number(process.env.PORT ?? 4000);
const SETTLE_MS = Number(process.env.SETTLE_MS ?? 2000);
const LIMIT_CENTS = 100_000;

/** By idempotency key: a task that was interrupted is called again, and nobody is to pay twice. */
const payments = new Map();

const server = createServer(async (request, response) => {
  if (request.method !== 'POST' || request.url !== '/payments') return answer(response, 404, {});
  const { cents, callback } = await bodyOf(request);
  const key = request.headers['idempotency-key'] ?? randomUUID();
  const known = payments.get(key);
  if (known !== undefined) return answer(response, 202, known);
  const payment = { paymentId: randomUUID(), cents };
  payments.set(key, payment);
  answer(response, 202, payment);
  await sleep(SETTLE_MS);
  if (cents > LIMIT_CENTS) {
    await callBack(`${callback}/failure`, { error: 'Card.Declined', cause: `${cents} is over the limit` });
  } else {
    await callBack(`${callback}/success`, { output: payment });
  }
});

server.listen(PORT, '127.0.0.1');
await once(server, 'listening');
console.log(`the payment service listens at http://127.0.0.1:${server.address().port}`);

/** Until it is heard. 404 and 409 say that nobody waits for it any more; another service would refund here. */
async function callBack(url, body) {
  for (let pauseMs = 100; ; pauseMs = Math.min(pauseMs * 2, 30_000)) {
    const status = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }).then(
      (response) => response.status,
      () => 0,
    );
    if (status >= 200 && status < 500) {
      console.log(`called back: ${status}`);
      return;
    }
    await sleep(pauseMs);
  }
}

async function bodyOf(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return JSON.parse(text);
}

function answer(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
