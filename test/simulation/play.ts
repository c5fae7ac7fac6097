/** Plays a scenario, from its beginning until the world is quiet, and says what was wrong. */
import { Activation } from '../../src/engine/index.js';
import { compileStored } from '../../src/main/machines.js';
import type { JsonObject } from '../../src/std/json.js';
import type { MachineVersion } from '../../src/store/index.js';
import { enter } from './ambient.js';
import { Broker } from './broker.js';
import type { Bug } from './bugs.js';
import { Faults } from './faults.js';
import { createHandlers } from './handlers.js';
import { Oracle } from './oracle.js';
import { Outside } from './outside.js';
import { connectTo } from './postgres/driver.js';
import { Server } from './postgres/server.js';
import { PgError } from './postgres/statement.js';
import { Random } from './random.js';
import type { Scenario } from './scenario.js';
import { Workers } from './workers.js';
import { World } from './world.js';

/** By then everything has ended, whatever has gone wrong: faults are over after half a minute. */
const HORIZON_MS = 20 * 60_000;
/** After everything has ended, before it is looked at: what is on its way comes in. */
const SETTLE_MS = 3_000;

/** A run has some thousands. */
const STEPS_MAX = 400_000;

/** How an execution ended. */
export interface End {
  status: string;
  output: string | null;
  error: string | null;
}

export interface Played {
  complaints: string[];
  /** Of those that were started from outside, by name. */
  ends: Record<string, End>;
  /** Of the virtual world, ms. */
  tookMs: number;
  steps: number;
  executions: number;
  checkpoints: number;
  trace: string[];
}

export async function play(
  scenario: Scenario,
  options: { bug?: Bug | undefined; traced?: boolean } = {},
): Promise<Played> {
  const world = new World(options.traced === true);
  const random = new Random(scenario.seed).fork('world');
  enter({ world, random: random.fork('ambient') });
  const oracle = new Oracle(world);
  const faults = new Faults(world, scenario.faults, random.fork('fates'));
  const server = new Server({
    world,
    bug: options.bug,
    fateOf: faults.fateOf,
    onUnknown: (problem) => oracle.complain(problem),
    onAppended: oracle.appended,
  });
  oracle.watch(server.db);
  connectTo({ server, world });
  const broker = new Broker(world, random.fork('broker'), faults.ringFate);
  const machines = new Map<string, MachineVersion>();
  for (const [id, definition] of Object.entries(scenario.machines)) {
    machines.set(id, compiled(definition));
    server.db.machines.set(id, { id, version: 1, queue: 'default', recovery: null });
  }
  server.db.activities.add('desk');
  const outside = new Outside({ world, server, broker, oracle, random, scenario });
  const workers = new Workers({
    world,
    random: random.fork('workers'),
    broker,
    concurrency: scenario.concurrency,
    handlersFor: (proc) =>
      createHandlers({
        called: (context) => oracle.called(context, proc),
        isHealed: (executionId) => outside.isHealed(executionId),
        asked: (token, input, { attempt }) => outside.asked(token, input, attempt),
      }),
    versionOf: (id) => machines.get(id),
    isOwn: ({ workerId }, id) =>
      workerId !== undefined &&
      server.db.executions.get(id)?.owner === workerId &&
      server.db.workers.has(workerId),
    onError: (error, message) => {
      if (!isExpected(error))
        oracle.complain(`${message}: ${error instanceof Error ? (error.stack ?? '') : String(error)}`);
    },
  });
  for (let worker = 0; worker < scenario.workers; worker++) workers.open(faults.skewOf(worker));
  faults.schedule(server, workers, (downMs) => broker.flush(downMs));
  outside.begin();
  watching = oracle;
  watchBroker(world, broker);

  const { executions } = server.db;
  const isOver = (): boolean => {
    if (!outside.isDone || executions.size < scenario.roots.length) return false;
    for (const row of executions.values()) if (row.endMs === null || row.notifyParent) return false;
    return true;
  };
  const beganMs = world.nowMs;
  try {
    const untilOver = async (): Promise<void> => {
      await world.run(() => isOver() || oracle.complaints.length > 0 || world.steps > STEPS_MAX, HORIZON_MS);
      if (world.steps > STEPS_MAX) oracle.complain('it goes on and on');
    };
    await untilOver();
    // Before the rest: a worker that has lost its execution may hand out a token once more.
    const isAnswered = outside.isDone;
    const wasOver = isOver();
    const tookMs = world.nowMs - beganMs;
    const settleMs = scenario.faults.length === 0 ? 0 : SETTLE_MS;
    if (oracle.complaints.length === 0) await world.run(() => false, settleMs);
    // A worker that goes on when all is over may make one call more, and start a child by it: that has to end, too.
    if (oracle.complaints.length === 0 && wasOver) await untilOver();
    if (oracle.complaints.length === 0) oracle.conclude();
    if (!isAnswered && oracle.complaints.length === 0)
      oracle.complain('what was asked from outside has no answer');
    return {
      complaints: oracle.complaints,
      ends: endsOf(scenario, server),
      tookMs,
      steps: world.steps,
      executions: executions.size,
      checkpoints: [...server.db.journal.values()].reduce((sum, rows) => sum + rows.size, 0),
      trace: world.trace ?? [],
    };
  } finally {
    watching = undefined;
  }
}

/** The run without faults has the same. */
function compiled(definition: JsonObject): MachineVersion {
  const before = versions.get(definition);
  if (before !== undefined) return before;
  const machine = compileStored(JSON.stringify(definition), 'STANDARD');
  const version: MachineVersion = { machine, type: 'STANDARD', roleArn: undefined };
  versions.set(definition, version);
  return version;
}

const versions = new WeakMap<JsonObject, MachineVersion>();

/** Faults that the world has made, and what follows from them. */
function isExpected(error: unknown): boolean {
  if (error instanceof PgError) return true;
  if (!(error instanceof Error)) return false;
  if ('code' in error && (error.code === 'ECONNRESET' || error.code === 'ECONNREFUSED')) return true;
  return /the journal has gone on without us|Cannot use a pool after calling end/.test(error.message);
}

function endsOf({ roots }: Scenario, server: Server): Record<string, End> {
  const ends: Record<string, End> = {};
  for (const { status, output, error, name, machine } of server.db.executions.values())
    if (roots.some((root) => root.name === name && root.machine === machine))
      ends[name] = { status, output, error };
  return ends;
}

function watchBroker(world: World, broker: Broker): void {
  world.after(500, undefined, () => {
    broker.look();
    watchBroker(world, broker);
  });
}

let watching: Oracle | undefined;

/** Looks at the frames of each activation that parks. To be called once. */
export function watchActivations(): void {
  const advance = Activation.prototype.advance;
  Activation.prototype.advance = async function (this: Activation) {
    const end = await advance.call(this);
    if (end === 'parked' || end === 'woken') watching?.compare(this.run, this.position.seq);
    return end;
  };
  process.on('unhandledRejection', (error) => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    if (watching === undefined) throw error;
    watching.complain(`a rejection that nobody awaits would end the process: ${text}`);
  });
}
