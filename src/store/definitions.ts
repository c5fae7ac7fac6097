/** Compiled machines, by id and version. A version never changes, so what is in the cache stays true. */
import type { Machine } from '../asl/index.js';
import type { Database } from './database.js';

/** What an execution runs, to its end. */
export interface MachineVersion {
  machine: Machine;
  type: MachineType;
  roleArn: string | undefined;
}

export type MachineType = 'STANDARD' | 'EXPRESS';

export interface Definitions {
  /**
   * A version of a machine; undefined when there is none. `<id>/<label>` is the processor of that distributed Map in the
   * machine `<id>`: what the children of its map runs run.
   */
  version(stateMachineId: string, version: number): Promise<MachineVersion | undefined>;
  /** The compiled machine of a version. */
  machine(stateMachineId: string, version: number): Promise<Machine | undefined>;
}

export interface DefinitionsOptions {
  database: Database;
  /** From the definition's JSON text, which was validated before it was stored. */
  compile: (definition: string, type: MachineType) => Machine;
  /** The processor of the distributed Map with that label, and the type of its executions. */
  processorOf: (machine: Machine, label: string) => Pick<MachineVersion, 'machine' | 'type'> | undefined;
  /** How many machines are kept; those unused for longest go first. */
  max?: number;
}

/** Reads machines by version, compiles them, and keeps those that were used last: a version never changes. */
export function createDefinitions(options: DefinitionsOptions): Definitions {
  const { database, compile, processorOf, max = KEPT } = options;
  // A Map keeps the order of insertion: the first is the one that was used longest ago.
  const kept = new Map<string, Promise<MachineVersion | undefined>>();

  const load = async (stateMachineId: string, version: number): Promise<MachineVersion | undefined> => {
    // Whether the machine is deleted does not matter to what runs. Its type changes only when it is made anew.
    const { rows } = await database.pool.query<{ definition: string; roleArn: string | null; type: string }>(
      `SELECT v.definition, v.role_arn AS "roleArn", m.type
       FROM state_machine_versions v JOIN state_machines m ON m.id = v.state_machine_id
       WHERE v.state_machine_id = $1 AND v.version = $2`,
      [stateMachineId, version],
    );
    const row = rows[0];
    if (row === undefined) return undefined;
    const type = row.type === 'EXPRESS' ? 'EXPRESS' : 'STANDARD';
    return { machine: compile(row.definition, type), type, roleArn: row.roleArn ?? undefined };
  };

  const find = async (stateMachineId: string, version: number): Promise<MachineVersion | undefined> => {
    const key = `${version} ${stateMachineId}`;
    const known = kept.get(key);
    kept.delete(key);
    const machine = known ?? load(stateMachineId, version);
    kept.set(key, machine);
    for (const oldest of kept.keys()) {
      if (kept.size <= max) break;
      kept.delete(oldest);
    }
    try {
      const loaded = await machine;
      // What is not there may come to be; what failed may succeed.
      if (loaded === undefined && kept.get(key) === machine) kept.delete(key);
      return loaded;
    } catch (error) {
      if (kept.get(key) === machine) kept.delete(key);
      throw error;
    }
  };

  const version: Definitions['version'] = async (stateMachineId, number) => {
    const slash = stateMachineId.indexOf('/');
    if (slash === -1) return find(stateMachineId, number);
    const parent = await find(stateMachineId.slice(0, slash), number);
    if (parent === undefined) return undefined;
    const processor = processorOf(parent.machine, stateMachineId.slice(slash + 1));
    return processor === undefined ? undefined : { ...processor, roleArn: parent.roleArn };
  };

  return { version, machine: async (id, number) => (await version(id, number))?.machine };
}

/** A compiled machine of 100 states is some 100 KB. */
const KEPT = 500;
