/** A server with two routes: one that does nothing, and the naive way of starting an execution. */
import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import fastify from 'fastify';
import { Redis } from 'ioredis';
import { connectDatabase } from '../../src/store/index.js';
import { say, settingOf } from './process.js';

const { prisma } = connectDatabase({ url: settingOf('DATABASE_URL'), poolSize: 50, log: console });
const queue = new Queue(settingOf('QUEUE'), { connection: new Redis(settingOf('REDIS_URL')) });
const app = fastify();

app.post('/empty', async (_request, reply) => reply.code(202).send({}));

app.post<{ Body: { input: unknown } }>('/naive', async ({ body }, reply) => {
  const execution = await prisma.execution.create({
    data: {
      id: randomUUID(),
      stateMachineId: 'naive',
      version: 1,
      name: randomUUID(),
      status: 'RUNNING',
      input: JSON.stringify(body.input),
      startTime: new Date(),
      queue: 'naive',
    },
  });
  await queue.add('execution', { executionId: execution.id });
  return reply.code(202).send({ executionId: execution.id, status: execution.status });
});

say('ready', { url: await app.listen({ port: 0, host: '127.0.0.1' }) });
