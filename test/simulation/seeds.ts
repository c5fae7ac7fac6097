/** Runs seeds one after another, in this process. */
import { install } from './ambient.js';
import type { Bug } from './bugs.js';
import { watchActivations } from './play.js';
import { SimulatedClient, SimulatedPool } from './postgres/driver.js';
import { reproOf } from './repro.js';
import { type Outcome, runScenario } from './run.js';
import { makeScenario } from './scenarios.js';

export interface Share {
  /** Every `step`-th seed, from `from` up to `until`, which is left out. */
  from: number;
  until: number;
  step: number;
  bug: Bug | undefined;
  failures: number;
  shrink: boolean;
}

export interface Tally {
  runs: number;
  /** Played with and without faults, and found to end the same. */
  compared: number;
  executions: number;
  checkpoints: number;
  virtualMs: number;
  /** Of the processor. */
  cpuMs: number;
}

export interface Failed {
  seed: number;
  repro: string;
}

/** To be called once, before the first run. */
export function prepare(): void {
  install({ Pool: SimulatedPool, Client: SimulatedClient });
  watchActivations();
}

export async function runSeeds(share: Share, onFailed: (failed: Failed) => void): Promise<Tally> {
  const tally: Tally = { runs: 0, compared: 0, executions: 0, checkpoints: 0, virtualMs: 0, cpuMs: 0 };
  let failures = 0;
  for (let seed = share.from; seed < share.until && failures < share.failures; seed += share.step) {
    const scenario = makeScenario(seed);
    const outcome = await runScenario(scenario, { bug: share.bug });
    add(tally, outcome);
    if (outcome.complaints.length === 0) continue;
    failures++;
    onFailed({ seed, repro: await reproOf(scenario, outcome, { bug: share.bug, shrinks: share.shrink }) });
  }
  const { user, system } = process.cpuUsage();
  return { ...tally, cpuMs: (user + system) / 1000 };
}

function add(tally: Tally, { compared, executions, checkpoints, tookMs }: Outcome): void {
  tally.runs++;
  tally.compared += compared ? 1 : 0;
  tally.executions += executions;
  tally.checkpoints += checkpoints;
  tally.virtualMs += tookMs;
}
