/** Prisma's schema engine, loaded from its WebAssembly module and bound to `pg`. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { PrismaPg } from '@prisma/adapter-pg';
import {
  bindMigrationAwareSqlAdapterFactory,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils';
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg';
import pg from 'pg';

export type MigrationList = bindings.MigrationList;

interface SchemaEngine {
  /** Applies what is new; answers the names. `externalTables`: `schema.table`, not minded if they are there already. */
  applyMigrations(migrations: MigrationList, externalTables: string[]): Promise<string[]>;
  /** The SQL that makes an empty database what a `schema.prisma` says. */
  scriptOf(schema: bindings.SchemaContainer): Promise<string>;
  close(): Promise<void>;
}

/** Opens the engine on a database. */
export async function openSchemaEngine(url: string): Promise<SchemaEngine> {
  await loadModule();
  const factory = new WholeScripts(url);
  const engine = await bindings.SchemaEngine.new(
    { datamodels: undefined },
    () => undefined, // its log: what matters arrives as an error
    bindMigrationAwareSqlAdapterFactory(factory),
  );
  return {
    applyMigrations: async (migrationsList, externalTables) => {
      try {
        const output = await engine.applyMigrations({
          migrationsList,
          filters: { externalTables, externalEnums: [] },
        });
        return output.appliedMigrationNames;
      } catch (error) {
        // The engine says at which migration it stopped, PostgreSQL why.
        throw factory.scriptError === undefined
          ? error
          : new MigrationError(factory.scriptError, { cause: error });
      }
    },
    scriptOf: async (schema) => {
      const { stdout } = await engine.diff({
        from: { tag: 'empty' },
        to: { tag: 'schemaDatamodel', files: [schema] },
        script: true,
        exitCode: null,
        filters: { externalTables: [], externalEnums: [] },
      });
      return stdout ?? '';
    },
    close: async () => {
      engine.free();
      await factory.close();
    },
  };
}

/** A migration was refused by PostgreSQL; nothing of it remains. */
class MigrationError extends Error {
  override readonly name = 'MigrationError';

  constructor(reason: Error, options: ErrorOptions) {
    super(`a migration failed: ${reason.message}`, options);
  }
}

/**
 * PrismaPg cuts a script at every semicolon, also at those in comments and texts. A script goes to the
 * server whole instead, as Prisma's own program sends it: then it is also one transaction, all or nothing.
 */
class WholeScripts implements SqlMigrationAwareDriverAdapterFactory {
  readonly provider = 'postgres';
  readonly adapterName = '@prisma/adapter-pg';
  readonly #pool: pg.Pool;
  readonly #adapters: PrismaPg;
  /** What PostgreSQL said to the last script that it refused. */
  scriptError: Error | undefined;

  constructor(url: string) {
    // One session, since the engine's own lock belongs to the session. No time limit: a migration may take long.
    this.#pool = new pg.Pool({ connectionString: url, max: 1, application_name: 'escapement migrate' });
    this.#pool.on('error', () => undefined); // whoever waits on a statement is told by that statement
    this.#adapters = new PrismaPg(this.#pool);
  }

  async connect(): Promise<SqlDriverAdapter> {
    const adapter = await this.#adapters.connect();
    adapter.executeScript = async (script) => {
      try {
        await runPatiently(adapter.underlyingDriver(), script);
      } catch (error) {
        if (error instanceof Error) this.scriptError = error;
        throw error;
      }
    };
    return adapter;
  }

  /** For `diff` from a directory of migrations; PrismaPg's own would write into the database itself. */
  connectToShadowDb(): Promise<SqlDriverAdapter> {
    return Promise.reject(
      new Error('there is no shadow database; migrate an empty database and compare that'),
    );
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

/**
 * A statement that waits for a table's lock holds up everybody who comes after it, readers too: behind one long
 * transaction the whole service would stand still. So it waits for a moment only, and comes again.
 */
const LOCK_TIMEOUT_MS = 1_000;
/** In which all that had to wait is served. */
const LOCK_AGAIN_MS = 2_000;

async function runPatiently(pool: pg.Pool, script: string): Promise<void> {
  for (;;) {
    const session = await pool.connect();
    const onBroken = (): void => undefined; // the statement says so
    session.on('error', onBroken);
    try {
      await session.query(`SET lock_timeout = ${LOCK_TIMEOUT_MS}`);
      // As one query it is one transaction: what was refused a lock has left nothing.
      await session.query(script + BOOK_FINISHED);
      return;
    } catch (error) {
      if (!isLockedOut(error)) throw error;
    } finally {
      // The engine waits for its own lock as long as it takes.
      await session.query('RESET lock_timeout').catch(() => undefined);
      session.off('error', onBroken);
      session.release();
    }
    await new Promise((resolve) => setTimeout(resolve, LOCK_AGAIN_MS));
  }
}

/** By the time limit, or chosen to give way in a deadlock. */
function isLockedOut(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return code === '55P03' || code === '40P01';
}

/** With the migration itself, so that one whose process dies is booked as finished if, and only if, it is there. */
const BOOK_FINISHED = `
;UPDATE "_prisma_migrations" SET finished_at = now()
WHERE finished_at IS NULL AND rolled_back_at IS NULL AND logs IS NULL`;

/** Node has it; the types of Node leave it to the browser's. */
declare const WebAssembly: {
  instantiate(
    code: Uint8Array,
    imports: Record<string, Record<string, unknown>>,
  ): Promise<{ instance: { exports: Record<string, unknown> } }>;
};

let loaded: Promise<void> | undefined;

/** The module's own loader imports the .wasm file as if it were a module, which Node does not do unasked. */
function loadModule(): Promise<void> {
  loaded ??= (async () => {
    const bindingsPath = createRequire(import.meta.url).resolve(
      '@prisma/schema-engine-wasm/schema_engine_bg',
    );
    const code = await readFile(path.join(path.dirname(bindingsPath), 'schema_engine_bg.wasm'));
    const imports = { './schema_engine_bg.js': { ...bindings, ...patientTimers() } };
    const { instance } = await WebAssembly.instantiate(code, imports);
    bindings.__wbg_set_wasm(instance.exports);
    const start = instance.exports['__wbindgen_start'];
    if (typeof start !== 'function') throw new Error("Prisma's schema engine has no start function");
    start();
  })();
  return loaded;
}

/** The engine leaves its lock's ten-second timer behind; a process that has nothing else to do need not wait for it. */
function patientTimers(): Record<string, unknown> {
  const name = Object.keys(bindings).find((key) => key.startsWith('__wbg_setTimeout_'));
  if (name === undefined) return {};
  return { [name]: (callback: () => void, ms: number) => setTimeout(callback, ms >>> 0).unref() };
}
