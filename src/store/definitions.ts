/** Compiled machines, by id and version. A version never changes, so what is in the cache stays true. */
import type { Machine } from '../asl/index.js';
import type { Database } from './database.js';

export interface Definitions {
  /**
   * @throws Error when there is no such version: an execution that names one that never was.
   */
  machine(stateMachineId: string, version: number): Promise<NamedMachine>;
}

/** A compiled machine, with the name that it had when it was first asked for. */
export interface NamedMachine {
  machine: Machine;
  name: string;
}

export interface DefinitionsOptions {
  database: Database;
  /** From the definition's JSON text, which was validated before it was stored. */
  compile: (definition: string) => Machine;
  /** How many machines are kept; those unused for longest go first. */
  max?: number;
}

export function createDefinitions({ database, compile, max = KEPT }: DefinitionsOptions): Definitions {
  const { prisma } = database;
  // A Map keeps the order of insertion: the first is the one that was used longest ago.
  const kept = new Map<string, Promise<NamedMachine>>();

  const load = async (stateMachineId: string, version: number): Promise<NamedMachine> => {
    const [found, owner] = await Promise.all([
      prisma.stateMachineVersion.findUnique({
        where: { stateMachineId_version: { stateMachineId, version } },
        select: { definition: true },
      }),
      prisma.stateMachine.findUnique({ where: { id: stateMachineId }, select: { name: true } }),
    ]);
    if (found === null || owner === null)
      throw new Error(`there is no version ${version} of state machine ${stateMachineId}`);
    return { machine: compile(found.definition), name: owner.name };
  };

  return {
    machine: async (stateMachineId, version) => {
      const key = `${version} ${stateMachineId}`;
      const known = kept.get(key) ?? load(stateMachineId, version);
      // To the end: it is the one that was used last.
      kept.delete(key);
      kept.set(key, known);
      for (const oldest of kept.keys()) {
        if (kept.size <= max) break;
        kept.delete(oldest);
      }
      try {
        return await known;
      } catch (error) {
        // What failed may succeed.
        if (kept.get(key) === known) kept.delete(key);
        throw error;
      }
    },
  };
}

/** A compiled machine of 100 states is some 100 KB. */
const KEPT = 500;
