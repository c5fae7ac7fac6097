/**
 * Generates the Prisma client from prisma/schema.prisma, if the schema is newer than what is there.
 *
 * Prisma's command line wants to download a schema engine even for this, which needs none. It does not when
 * PRISMA_SCHEMA_ENGINE_BINARY names a file that exists; node's own program is as good as any.
 */
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { createRequire } from 'node:module';

const SOURCES = ['prisma/schema.prisma', 'node_modules/prisma/package.json'];
const RESULT = 'src/store/generated/client.ts';

function changedAt(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

if (SOURCES.some((file) => changedAt(file) >= changedAt(RESULT))) {
  const prisma = createRequire(import.meta.url).resolve('prisma/build/index.js');
  const env = {
    ...process.env,
    PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
  };
  const { status } = spawnSync(process.execPath, [prisma, 'generate'], { stdio: 'inherit', env });
  process.exitCode = status ?? 1;
}
