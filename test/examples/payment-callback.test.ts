import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  EXAMPLES,
  type ExampleService,
  freePort,
  type Program,
  startExampleService,
  startProgram,
  until,
} from './service.js';

const HERE = path.join(EXAMPLES, 'payment-callback');

let service: ExampleService;
let payments: Program | undefined;
let paymentPort: string;
beforeAll(async () => {
  paymentPort = String(await freePort());
  const port = String(await freePort());
  service = await startExampleService({
    PORT: port,
    HANDLERS: path.join(HERE, 'handlers.js'),
    PAYMENT_URL: `http://127.0.0.1:${paymentPort}`,
    ESCAPEMENT_URL: `http://127.0.0.1:${port}`,
  });
  await service.makeMachine('payment-callback');
});
afterAll(async () => {
  await payments?.end('SIGKILL');
  await service.stop();
});

async function startPayments(): Promise<Program> {
  payments = await startProgram(process.execPath, [path.join(HERE, 'payment-service.js')], {
    env: { PORT: paymentPort, SETTLE_MS: '300' },
    ready: /the payment service listens/,
  });
  return payments;
}

const events = async (id: string): Promise<string[]> =>
  (await service.call('GET', `/executions/${id}/history?limit=1000`)).body.items.map(
    (event: { type: string }) => event.type,
  );

test('a payment service that is down is asked again, and calls back once it has the money', async () => {
  const id = await service.start('payment-callback', { orderId: 'A-17', cents: 4_900 });
  await until(
    () => events(id),
    (types) => types.includes('TaskFailed'),
  );
  await startPayments();
  expect(await service.ended(id)).toMatchObject({
    status: 'SUCCEEDED',
    output: { orderId: 'A-17', payment: { paymentId: expect.any(String), cents: 4_900 } },
  });
});

test('a payment that is declined ends the order with what the service said', async () => {
  const id = await service.start('payment-callback', { orderId: 'A-18', cents: 490_000 });
  expect(await service.ended(id)).toMatchObject({
    status: 'FAILED',
    error: 'Order.Declined',
    cause: '490000 is over the limit',
  });
});

test('the state waits after its handler has returned, and a stopped order is not paid', async () => {
  const said = payments?.lines.length ?? 0;
  const id = await service.start('payment-callback', { orderId: 'A-19', cents: 100 });
  await until(
    () => events(id),
    (types) => types.includes('TaskSubmitted'),
  );
  await service.call('DELETE', `/executions/${id}`, { error: 'Order.Withdrawn' });
  expect(await service.ended(id)).toMatchObject({ status: 'ABORTED', error: 'Order.Withdrawn' });
  const news = await until(
    async () => payments?.lines.slice(said) ?? [],
    (lines) => lines.length > 0,
  );
  expect(news).toEqual(['called back: 409']);
});
