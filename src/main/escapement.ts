#!/usr/bin/env node
/** The `escapement` command. */
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { parseDefinition, validateDefinition } from '../asl/index.js';
import { runCommand } from '../cli/index.js';
import { readConfig } from '../config.js';
import { connectDatabase, isWorkerAlive } from '../store/index.js';
import { migrateDatabase, requireDatabaseUrl } from './house.js';
import { run } from './lifetime.js';
import { createLog } from './log.js';
import { StartError } from './start-error.js';

await run(async () => {
  const config = readConfig({ ...process.env, LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'warn' });
  const log = createLog(config.logLevel, 'escapement');
  process.exitCode = await runCommand(
    process.argv.slice(2),
    {
      migrate: async () => (await migrateDatabase(requireDatabaseUrl(config), log)).applied,
      isWorkerAlive: async () => {
        const database = connectDatabase({ url: requireDatabaseUrl(config), poolSize: 2, log });
        try {
          return await isWorkerAlive(database.pool, hostname());
        } finally {
          await database.close();
        }
      },
      validate: async (file) => {
        const parsed = parseDefinition(await readText(file));
        const diagnostics = parsed.ok ? validateDefinition(parsed.definition) : parsed.diagnostics;
        return diagnostics.map(
          ({ severity, code, pointer, message }) => `${severity} ${code} at ${pointer || '/'}: ${message}`,
        );
      },
    },
    (text) => process.stdout.write(`${text}\n`),
  );
});

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') throw new StartError(`There is no file ${file}.`);
    throw new StartError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}
