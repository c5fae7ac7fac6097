#!/usr/bin/env node
/** The `escapement` command. */
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { parseDefinition, validateDefinition } from '../asl/index.js';
import { runCommand } from '../cli/index.js';
import { readConfig } from '../config.js';
import { connectDatabase, isWorkerAlive, migrate } from '../store/index.js';
import { requireDatabaseUrl } from './house.js';
import { run } from './lifetime.js';
import { createLog } from './log.js';

await run(async () => {
  const config = readConfig({ ...process.env, LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'warn' });
  const log = createLog(config.logLevel, 'escapement');
  process.exitCode = await runCommand(
    process.argv.slice(2),
    {
      migrate: async () =>
        (await migrate(requireDatabaseUrl(config), { log: (message) => log.info(message) })).applied,
      isWorkerAlive: async () => {
        const database = connectDatabase({ url: requireDatabaseUrl(config), poolSize: 2, log });
        try {
          return await isWorkerAlive(database.pool, hostname());
        } finally {
          await database.close();
        }
      },
      validate: async (file) => {
        const parsed = parseDefinition(await readFile(file, 'utf8'));
        const diagnostics = parsed.ok ? validateDefinition(parsed.definition) : parsed.diagnostics;
        return diagnostics.map(
          ({ severity, code, pointer, message }) => `${severity} ${code} at ${pointer || '/'}: ${message}`,
        );
      },
    },
    (text) => process.stdout.write(`${text}\n`),
  );
});
