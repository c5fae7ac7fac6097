/** Compiled machines, by id and version. A version never changes, so what is in the cache stays true. */
import type { Machine } from '../asl/index.js';
import type { Database } from './database.js';

export interface Definitions {
  /** The compiled machine; undefined when there is no such version. */
  machine(stateMachineId: string, version: number): Promise<Machine | undefined>;
}

export interface DefinitionsOptions {
  database: Database;
  /** From the definition's JSON text, which was validated before it was stored. */
  compile: (definition: string) => Machine;
  /** How many machines are kept; those unused for longest go first. */
  max?: number;
}

export function createDefinitions({ database, compile, max = KEPT }: DefinitionsOptions): Definitions {
  // A Map keeps the order of insertion: the first is the one that was used longest ago.
  const kept = new Map<string, Promise<Machine | undefined>>();

  const load = async (stateMachineId: string, version: number): Promise<Machine | undefined> => {
    const row = await database.prisma.stateMachineVersion.findUnique({
      where: { stateMachineId_version: { stateMachineId, version } },
      select: { definition: true },
    });
    return row === null ? undefined : compile(row.definition);
  };

  return {
    machine: async (stateMachineId, version) => {
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
    },
  };
}

/** A compiled machine of 100 states is some 100 KB. */
const KEPT = 500;
