/**
 * Every fault for some seconds, one after the other, on one town under load. How long anything takes is for
 * `npm run chaos` to tell; here only that all of it ends, and adds up.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { FAULTS } from './faults/index.js';
import { randomFrom } from './options.js';
import { leftoversOf } from './reading.js';
import { type Row, runFault } from './run.js';
import { startTown, type Town } from './town.js';

const SECONDS = Number(process.env['CHAOS_SECONDS'] ?? 60);
/** What has not ended by then hangs. */
const RECOVERY_MS = 120_000;
const HANGS_MS = 240_000;

let town: Town;

beforeAll(async () => {
  town = await startTown({ leaseSeconds: 2, sweepSeconds: 1, onLine: () => undefined });
}, HANGS_MS);

afterAll(() => town.stop(), HANGS_MS);

test.each(FAULTS.map((fault) => ({ name: fault.name, fault })))(
  'with $name nothing is lost and nothing is done twice',
  async ({ fault }) => {
    const faultMs = (SECONDS * 1000) / FAULTS.length;
    const row = await runFault(town, fault, {
      faultMs,
      recoveryMs: RECOVERY_MS,
      perSecond: 15,
      random: randomFrom(1),
    });
    expect(row).toMatchObject({ lost: 0, doubled: 0, unsound: 0, findings: lateOnly(row) });
    expect(row.executions).toBeGreaterThan(0);
  },
  HANGS_MS,
);

test(
  'no signal and no open token of an execution that has ended is left',
  async () => {
    expect(await leftoversOf(town, HANGS_MS / 2)).toEqual({ signals: 0, tokens: 0 });
  },
  HANGS_MS,
);

/** A frozen process may make a call too late; nothing comes of it, and it is all that may be found. */
function lateOnly({ findings, late }: Row): string[] {
  return late === 0 ? [] : findings.filter((finding) => finding.startsWith('late: '));
}
