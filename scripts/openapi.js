/**
 * Writes openapi/openapi.json as the routes print it; with `--check`, fails instead when it differs.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const FILE = 'openapi/openapi.json';
const printed = execFileSync(process.execPath, ['dist/main/print-openapi.js'], {
  encoding: 'utf8',
  maxBuffer: 64 * 1024 * 1024,
});

if (!process.argv.includes('--check')) {
  writeFileSync(FILE, printed);
} else if (readFileSync(FILE, 'utf8') !== printed) {
  process.stderr.write(
    `${FILE} is not what the routes print; run \`npm run openapi\` and commit the result.\n`,
  );
  process.exitCode = 1;
}
