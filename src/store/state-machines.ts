/**
 * State machines and their versions.
 *
 * 1. A version is written once, with the row that points to it, and never changed.
 * 2. A deleted machine keeps its row and its versions: its executions stay readable, and when the id is made
 *    again the version numbers go on.
 * 3. Whoever changes a machine locks its row first; a start locks it FOR SHARE (sql/start.ts).
 */
import type { Json, JsonObject } from '../std/json.js';
import { sameJson } from '../std/json.js';
import { Conditions, escapeLike } from './conditions.js';
import { decodeCursor, encodeCursor, PAGE_BYTES, type PageOf, type PageQuery, pageOf } from './cursor.js';
import type { Database } from './database.js';
import { Prisma, type PrismaClient } from './generated/client.js';
import { GATE_CHANNEL, SEAT_RUNNING } from './sql/gate.js';

export interface StateMachineRecord {
  stateMachineId: string;
  name: string;
  description: string | null;
  type: string;
  queue: string;
  metadata: Json;
  /** What is to become of an execution whose worker died; null: it is tried again. */
  recovery: Recovery | null;
  /** How many of its executions may run at once, and begin in a second; null: no limit. */
  maxConcurrentExecutions: number | null;
  startsPerSecond: number | null;
  version: number;
  definition: JsonObject;
  roleArn: string | null;
  createdAt: Date;
  updatedAt: Date;
}

interface NewStateMachine {
  stateMachineId: string;
  name: string;
  description: string | null;
  type: string;
  /** undefined: one of its own, made with it. */
  queue: string | undefined;
  /** Of the queue that is made. */
  weight: number;
  metadata: Json;
  definition: JsonObject;
  roleArn?: string | null;
  recovery?: Recovery | null;
  maxConcurrentExecutions?: number | null;
  startsPerSecond?: number | null;
}

/** What is to become of an execution whose worker died while it was advancing it, at most so many times in a row. */
export interface Recovery {
  strategy: 'retry' | 'skip' | 'fail' | 'pause';
  /** Of `skip`: what the interrupted state is left with; absent: its input. */
  output?: Json;
  /** Then it is paused. */
  maxRecoveries: number;
}

type CreateOutcome =
  | { kind: 'created'; machine: StateMachineRecord }
  /** A machine of this id is there. */
  | { kind: 'exists' }
  /** The queue that it names is not there. */
  | { kind: 'unknownQueue' }
  /** A queue of this name is there, and is not this machine's. */
  | { kind: 'queueTaken' };

/** Makes a machine, or makes a deleted one anew, with its next version. */
export async function createStateMachine(
  { prisma }: Database,
  machine: NewStateMachine,
): Promise<CreateOutcome> {
  try {
    return await prisma.$transaction((tx) => create(tx, machine));
  } catch (error) {
    // Another was made meanwhile, under the same id.
    if (isUniqueViolation(error)) return { kind: 'exists' };
    throw error;
  }
}

/** The channel on which workers hear that there is a new queue; the payload is its name. */
export const QUEUES_CHANNEL = 'escapement_queues';

async function create(tx: Prisma.TransactionClient, machine: NewStateMachine): Promise<CreateOutcome> {
  const { stateMachineId: id, queue } = machine;
  const before = await lock(tx, id);
  if (before !== undefined && before.deleted_at === null) return { kind: 'exists' };
  const createdAt = new Date();
  if (queue === undefined) {
    const row = await tx.queue.upsert({
      where: { name: id },
      create: { name: id, weight: machine.weight, stateMachineId: id, createdAt },
      update: {},
    });
    if (row.stateMachineId !== id) return { kind: 'queueTaken' };
    await tx.$executeRaw`SELECT pg_notify(${QUEUES_CHANNEL}, ${id})`;
  } else if ((await tx.queue.findUnique({ where: { name: queue } })) === null) {
    return { kind: 'unknownQueue' };
  }
  const version = (before?.version ?? 0) + 1;
  await tx.stateMachineVersion.create({
    data: {
      stateMachineId: id,
      version,
      definition: JSON.stringify(machine.definition),
      roleArn: machine.roleArn ?? null,
      createdAt,
    },
  });
  const data = {
    name: machine.name,
    description: machine.description,
    type: machine.type,
    queue: queue ?? id,
    metadata: toColumn(machine.metadata),
    recovery: toColumn(machine.recovery === undefined ? null : toJson(machine.recovery)),
    maxConcurrentExecutions: machine.maxConcurrentExecutions ?? null,
    startsPerSecond: machine.startsPerSecond ?? null,
    version,
    createdAt,
    updatedAt: createdAt,
    deletedAt: null,
  };
  if (before === undefined) await tx.stateMachine.create({ data: { id, ...data } });
  else await tx.stateMachine.update({ where: { id }, data });
  // Executions of the deleted one that still run count, and those that it held may be let in.
  if (before !== undefined) await settleLimits(tx, id);
  return { kind: 'created', machine: await readOwn(tx, id) };
}

/** A machine with its latest definition; undefined when there is none or it was deleted. */
export async function findStateMachine(
  { prisma }: Database,
  id: string,
): Promise<StateMachineRecord | undefined> {
  return id.includes('\0') ? undefined : read(prisma, id);
}

/** Whether there is a machine of this id, or was: the executions of a deleted one can still be read. */
export async function hasStateMachine({ prisma }: Database, id: string): Promise<boolean> {
  if (id.includes('\0')) return false;
  return (await prisma.stateMachine.findUnique({ where: { id }, select: { id: true } })) !== null;
}

interface StateMachineChange {
  name?: string;
  description?: string | null;
  queue?: string;
  metadata?: Json;
  definition?: JsonObject;
  roleArn?: string | null;
  /** null: none any more. */
  recovery?: Recovery | null;
  /** null: none any more. Both hold at once. */
  maxConcurrentExecutions?: number | null;
  startsPerSecond?: number | null;
}

type ChangeOutcome =
  | { kind: 'changed'; machine: StateMachineRecord }
  | { kind: 'unknown' }
  | { kind: 'unknownQueue' };

/** Changes what is named; a definition that says something else, or another role, is the next version. */
export async function changeStateMachine(
  { prisma }: Database,
  id: string,
  change: StateMachineChange,
): Promise<ChangeOutcome> {
  if (id.includes('\0')) return { kind: 'unknown' };
  for (let tries = 1; ; tries++) {
    try {
      return await tryToChange(prisma, id, change);
    } catch (error) {
      // A first limit gives places to what runs, in an order that is not that of the flushes.
      if (!isDeadlock(error) || tries === CHANGE_TRIES) throw error;
    }
  }
}

const CHANGE_TRIES = 5;

function tryToChange(prisma: PrismaClient, id: string, change: StateMachineChange): Promise<ChangeOutcome> {
  return prisma.$transaction(async (tx) => {
    const before = await lock(tx, id);
    if (before === undefined || before.deleted_at !== null) return { kind: 'unknown' };
    const { definition, roleArn, queue, metadata, recovery, ...texts } = change;
    if (queue !== undefined && (await tx.queue.findUnique({ where: { name: queue } })) === null) {
      return { kind: 'unknownQueue' };
    }
    const updatedAt = new Date();
    let version = before.version;
    const own = await readOwn(tx, id);
    const next = {
      definition: definition ?? own.definition,
      roleArn: roleArn === undefined ? own.roleArn : roleArn,
    };
    if (!sameJson(next.definition, own.definition) || next.roleArn !== own.roleArn) {
      version++;
      await tx.stateMachineVersion.create({
        data: {
          stateMachineId: id,
          version,
          definition: JSON.stringify(next.definition),
          roleArn: next.roleArn,
          createdAt: updatedAt,
        },
      });
    }
    await tx.stateMachine.update({
      where: { id },
      data: {
        ...texts,
        ...(queue === undefined ? {} : { queue }),
        ...(metadata === undefined ? {} : { metadata: toColumn(metadata) }),
        ...(recovery === undefined ? {} : { recovery: toColumn(toJson(recovery)) }),
        version,
        updatedAt,
      },
    });
    if (change.maxConcurrentExecutions !== undefined || change.startsPerSecond !== undefined)
      await settleLimits(tx, id);
    return { kind: 'changed', machine: await readOwn(tx, id) };
  });
}

/**
 * What runs of a machine that has just got a limit has a place; and whoever keeps the gate hears of the change. The
 * machine's row is held by this transaction: what starts waits for it, and then knows the limit.
 */
async function settleLimits(tx: Prisma.TransactionClient, id: string): Promise<void> {
  const { maxConcurrentExecutions, startsPerSecond } = await readOwn(tx, id);
  if (maxConcurrentExecutions !== null || startsPerSecond !== null)
    await tx.$executeRawUnsafe(SEAT_RUNNING, id);
  await tx.$executeRaw`SELECT pg_notify(${GATE_CHANNEL}, ${id})`;
}

type DeleteOutcome = { kind: 'deleted' } | { kind: 'unknown' } | { kind: 'inUse' };

/**
 * Deletes a machine: from then on nothing starts. Unless `force`, only when no execution is running, no
 * batch is open and no schedule has a run to come; its schedules are paused. What is running when it is forced is for the caller to stop; nothing comes after it.
 */
export async function deleteStateMachine(
  { prisma }: Database,
  id: string,
  { force }: { force: boolean },
): Promise<DeleteOutcome> {
  if (id.includes('\0')) return { kind: 'unknown' };
  return prisma.$transaction(async (tx) => {
    // Waits for the starts that are on their way; the next statement sees what they inserted.
    const before = await lock(tx, id);
    if (before === undefined || before.deleted_at !== null) return { kind: 'unknown' };
    if (!force) {
      // Both through the partial indexes on what is open.
      const [open] = await tx.$queryRaw<{ used: boolean }[]>`
        SELECT EXISTS (SELECT 1 FROM executions WHERE end_time IS NULL AND state_machine_id = ${id})
            OR EXISTS (SELECT 1 FROM batches WHERE end_time IS NULL AND state_machine_id = ${id})
            OR EXISTS (SELECT 1 FROM schedules WHERE NOT paused AND next_run_at IS NOT NULL AND state_machine_id = ${id}) AS used`;
      if (open?.used === true) return { kind: 'inUse' };
    }
    const deletedAt = new Date();
    await tx.stateMachine.update({ where: { id }, data: { deletedAt, updatedAt: deletedAt } });
    await tx.schedule.updateMany({
      where: { stateMachineId: id, paused: false },
      data: {
        paused: true,
        pauseReason: 'The state machine was deleted.',
        nextRunAt: null,
        queuedFor: null,
        updatedAt: deletedAt,
      },
    });
    return { kind: 'deleted' };
  });
}

/** Executions of a machine that have not ended, by id, a thousand at a time. Plan: the partial index on what is open. */
export async function listOpenExecutions({ pool }: Database, id: string, afterId: string): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT id FROM executions WHERE end_time IS NULL AND state_machine_id = $1 AND id > $2 ORDER BY id LIMIT 1000`,
    [id, afterId],
  );
  return rows.map((row) => row.id);
}

/** Batches of a machine that have not ended. */
export async function listOpenBatches({ pool }: Database, id: string): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    'SELECT id FROM batches WHERE end_time IS NULL AND state_machine_id = $1 ORDER BY id',
    [id],
  );
  return rows.map((row) => row.id);
}

export interface StateMachineFilter {
  id?: string;
  /** Part of the name, in any case. */
  name?: string;
  type?: string;
  createdAfter?: Date;
  createdBefore?: Date;
}

const LIMITS = `m.max_concurrent_executions AS "maxConcurrentExecutions", m.starts_per_second AS "startsPerSecond"`;

/** A page, newest first. Plan: Index Scan Backward using state_machines_created_at_id_idx. */
export async function listStateMachines(
  { pool }: Database,
  filter: StateMachineFilter,
  { limit, cursor }: PageQuery,
): Promise<PageOf<StateMachineRecord>> {
  const where = new Conditions();
  const { id, name, type, createdAfter, createdBefore } = filter;
  where.add(() => 'm.deleted_at IS NULL');
  if (id !== undefined) where.add((p) => `m.id = ${p(id)}`);
  if (name !== undefined) where.add((p) => `m.name ILIKE ${p(`%${escapeLike(name)}%`)}`);
  if (type !== undefined) where.add((p) => `m.type = ${p(type)}`);
  if (createdAfter !== undefined) where.add((p) => `m.created_at > ${p(createdAfter)}`);
  if (createdBefore !== undefined) where.add((p) => `m.created_at < ${p(createdBefore)}`);
  if (cursor !== undefined) {
    const [createdMs, lastId] = decodeCursor('state-machines', cursor, ['instant', 'text']);
    where.add((p) => `(m.created_at, m.id) < (${p(new Date(createdMs))}::timestamptz, ${p(lastId)})`);
  }
  const { rows } = await pool.query<
    Omit<StateMachineRecord, 'definition'> & { definition: string; more: boolean }
  >(
    `SELECT m.id AS "stateMachineId", m.name, m.description, m.type, m.queue, m.metadata, m.recovery, ${LIMITS}, m.version, m.definition,
       m.role_arn AS "roleArn",
       m.created_at AS "createdAt", m.updated_at AS "updatedAt", m.more
     FROM (
       SELECT p.*, lead(p.id) OVER newest IS NOT NULL AS more,
         sum(octet_length(p.definition)) OVER newest - octet_length(p.definition) AS bytes_before
       FROM (
         SELECT m.*, v.definition, v.role_arn FROM state_machines m
         JOIN state_machine_versions v ON v.state_machine_id = m.id AND v.version = m.version
         ${where.sql} ORDER BY m.created_at DESC, m.id DESC LIMIT ${where.place(limit + 1)}
       ) p WINDOW newest AS (ORDER BY p.created_at DESC, p.id DESC)
     ) m
     WHERE m.bytes_before < ${PAGE_BYTES} ORDER BY m.created_at DESC, m.id DESC LIMIT ${where.place(limit)}`,
    where.values,
  );
  const last = rows.at(-1);
  return {
    items: rows.map(({ more: _, ...row }) => ({ ...row, definition: parseDefinition(row.definition) })),
    nextCursor:
      last?.more === true
        ? encodeCursor('state-machines', [last.createdAt.getTime(), last.stateMachineId])
        : null,
  };
}

export interface VersionRecord {
  version: number;
  definition: JsonObject;
  roleArn: string | null;
  createdAt: Date;
}

/** A page of a machine's versions, newest first; undefined when there is no such machine. */
export async function listVersions(
  database: Database,
  id: string,
  { limit, cursor }: PageQuery,
): Promise<PageOf<VersionRecord> | undefined> {
  const before = cursor === undefined ? undefined : decodeCursor('versions', cursor, ['integer'])[0];
  if ((await findStateMachine(database, id)) === undefined) return undefined;
  const found = await database.prisma.stateMachineVersion.findMany({
    where: { stateMachineId: id, ...(before === undefined ? {} : { version: { lt: before } }) },
    orderBy: { version: 'desc' },
    take: limit + 1,
    select: { version: true, definition: true, roleArn: true, createdAt: true },
  });
  const page = pageOf(found, limit, ({ version }) => encodeCursor('versions', [version]));
  return {
    ...page,
    items: page.items.map((row) => ({ ...row, definition: parseDefinition(row.definition) })),
  };
}

/** Every definition of a machine, deleted or not, the newest first, one in memory at a time. */
export async function* readDefinitions(
  { prisma }: Database,
  stateMachineId: string,
): AsyncGenerator<JsonObject, void> {
  let before: number | undefined;
  for (;;) {
    const row = await prisma.stateMachineVersion.findFirst({
      where: { stateMachineId, ...(before === undefined ? {} : { version: { lt: before } }) },
      orderBy: { version: 'desc' },
      select: { version: true, definition: true },
    });
    if (row === null) return;
    yield parseDefinition(row.definition);
    before = row.version;
  }
}

/** Takes the machine's row, deleted or not, until the transaction ends. */
async function lock(
  tx: Prisma.TransactionClient,
  id: string,
): Promise<{ version: number; deleted_at: Date | null } | undefined> {
  const rows = await tx.$queryRaw<{ version: number; deleted_at: Date | null }[]>`
    SELECT version, deleted_at FROM state_machines WHERE id = ${id} FOR NO KEY UPDATE`;
  return rows[0];
}

/** One statement, so that the version is the one that the row names. */
async function read(
  client: Pick<PrismaClient, '$queryRaw'>,
  id: string,
): Promise<StateMachineRecord | undefined> {
  const [row] = await client.$queryRaw<(Omit<StateMachineRecord, 'definition'> & { definition: string })[]>`
    SELECT m.id AS "stateMachineId", m.name, m.description, m.type, m.queue, m.metadata, m.recovery,
      m.max_concurrent_executions AS "maxConcurrentExecutions", m.starts_per_second AS "startsPerSecond", m.version, v.definition,
      v.role_arn AS "roleArn",
      m.created_at AS "createdAt", m.updated_at AS "updatedAt"
    FROM state_machines m JOIN state_machine_versions v ON v.state_machine_id = m.id AND v.version = m.version
    WHERE m.id = ${id} AND m.deleted_at IS NULL`;
  return row === undefined ? undefined : { ...row, definition: parseDefinition(row.definition) };
}

/** Reads a machine that this transaction has locked or made. */
async function readOwn(tx: Prisma.TransactionClient, id: string): Promise<StateMachineRecord> {
  const machine = await read(tx, id);
  if (machine === undefined) throw new Error(`state machine ${id} is gone from its own transaction`);
  return machine;
}

/** What was stored had been validated, so it is an object. */
function parseDefinition(text: string): JsonObject {
  return JSON.parse(text) as JsonObject;
}

/** A strategy as JSON, for its column. */
function toJson(recovery: Recovery | null): Json {
  return recovery === null ? null : { ...recovery };
}

/** Prisma has two nulls; ours is the absence of a value. */
function toColumn(metadata: Json): Prisma.InputJsonValue | typeof Prisma.DbNull {
  return metadata === null ? Prisma.DbNull : (metadata as Prisma.InputJsonValue); // every non-null Json is one
}

/** Prisma tells of it as P2034, or, of a raw statement, in its message. */
function isDeadlock(error: unknown): boolean {
  return (
    error instanceof Prisma.PrismaClientKnownRequestError &&
    (error.code === 'P2034' ||
      /40P01|deadlock detected/.test(`${error.message} ${JSON.stringify(error.meta)}`))
  );
}

function isUniqueViolation(error: unknown): boolean {
  return error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002';
}
