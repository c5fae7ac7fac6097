import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { connectQueues, type Queues, QueueUnavailable } from '../../src/queue/index.js';
import { createDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { type RememberingLog, rememberingLog } from '../setup/log.js';
import { listen } from './house.js';

describe('queues in PostgreSQL', () => {
  let database: TestDatabase;
  let log: RememberingLog;
  let opened: Queues[];
  const connect = (url = database.url): Queues => {
    const queues = connectQueues({ databaseUrl: url, log });
    opened.push(queues);
    return queues;
  };
  const ask = async (question: string): Promise<unknown> => {
    const client = new pg.Client(database.url);
    await client.connect();
    try {
      const { rows } = await client.query({ text: question, rowMode: 'array' });
      return rows[0]?.[0];
    } finally {
      await client.end();
    }
  };
  beforeEach(async () => {
    database = await createDatabase();
    log = rememberingLog();
    opened = [];
  });
  afterEach(async () => {
    await Promise.all(opened.map((queues) => queues.close()));
    await database.drop();
  });

  test('twenty queues that are rung and taken from cost a process six connections', async () => {
    const list = Array.from({ length: 20 }, (_, n) => ({ name: `q${n}`, weight: 1 }));
    const queues = connect();
    const listener = listen(queues, () => list);
    await Promise.all(list.map(({ name }) => queues.producer.ring(name, [name])));
    await eventually(() => expect(listener.heard).toHaveLength(20));
    const sessions = await ask(
      "SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND application_name <> ''",
    );
    expect(sessions).toBeGreaterThanOrEqual(2);
    expect(sessions).toBeLessThanOrEqual(6);
  });

  test('processes that start together make its tables once', async () => {
    const all = Array.from({ length: 5 }, () => connect());
    await Promise.all(all.map((queues, n) => queues.producer.ring('q', [`x${n}`])));
    expect((await all[0]?.stats(['q']))?.['q']?.waiting).toBe(5);
  });

  test('taking goes on after every one of its sessions was cut', async () => {
    const queues = connect();
    const listener = listen(queues, () => [{ name: 'q', weight: 1 }]);
    await queues.producer.ring('q', ['before']);
    await eventually(() => expect(listener.heard).toHaveLength(1));
    await ask(
      'SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    );
    await eventually(() => queues.producer.ring('q', ['after']));
    await eventually(() => expect(listener.heard.map(({ id }) => id)).toContain('after'));
    expect(log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('without a server, ringing fails', async () => {
    const queues = connect('postgresql://nobody@127.0.0.1:1/nothing');
    await expect(queues.producer.ring('q', ['lost'])).rejects.toThrow(QueueUnavailable);
    await expect(queues.ping()).rejects.toThrow(QueueUnavailable);
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });
});
