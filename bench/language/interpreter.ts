/**
 * The pure interpreter, driven as an activation drives it, but with no database, no queue and no clock: every
 * happening is a step, every step is applied, and what the journal would get is made as text.
 */
import { compileMachine, type Machine, parseDefinition, validateDefinition } from '../../src/asl/index.js';
import {
  applyDelta,
  type Effect,
  type Happening,
  type InvokeEffect,
  isEmpty,
  newRun,
  step,
} from '../../src/engine/index.js';
import type { Json } from '../../src/std/json.js';

export function machineFrom(definition: Json): Machine {
  const parsed = parseDefinition(definition);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.diagnostics));
  const errors = validateDefinition(parsed.definition).filter(({ severity }) => severity === 'ERROR');
  if (errors.length > 0) throw new Error(JSON.stringify(errors));
  return compileMachine(parsed.definition);
}

export interface Interpretation {
  machine: Machine;
  input: Json;
  /** Answers a call at once. */
  call?: (effect: InvokeEffect) => Promise<Json> | Json;
  /** Also makes the texts that the journal would be given, as an activation does for every commit. */
  asText: boolean;
}

/** Runs one execution to its end. @returns its output. @throws Error when it does not succeed. */
export async function interpret({ machine, input, call, asText }: Interpretation): Promise<Json> {
  const run = newRun({ ...ABOUT, input }, machine, ENTROPY);
  let happening: Happening = { kind: 'start' };
  for (;;) {
    const { delta, effects, history, more, ...rest } = await step(run, happening, NOW_MS);
    applyDelta(run, delta);
    if (asText && !isEmpty({ delta, effects, history, more, ...rest })) {
      written += JSON.stringify(history).length + JSON.stringify(delta).length;
    }
    const end = effects.find((effect): effect is Effect & { kind: 'end' } => effect.kind === 'end');
    if (end !== undefined) {
      if (end.status !== 'SUCCEEDED') throw new Error(`${end.error ?? end.status}: ${end.cause ?? ''}`);
      return end.output ?? null;
    }
    const effect = effects.find((wanted): wanted is InvokeEffect => wanted.kind === 'invoke');
    if (effect !== undefined && call !== undefined) {
      const output = await call(effect);
      happening = { kind: 'taskSucceeded', frameId: effect.frameId, key: effect.key, output };
    } else if (more) happening = { kind: 'tick' };
    else throw new Error('the execution waits for something that nobody brings');
  }
}

/** So that no engine finds out that the texts are for nothing. */
export let written = 0;

const NOW_MS = Date.parse('2026-11-23T12:00:00.000Z');

/** Of every execution. */
export const ABOUT = {
  executionId: '0195a1b2-c3d4-7e5f-8a6b-9c0d1e2f3a4b',
  executionName: 'bench',
  stateMachineId: '0195a1b2-0000-7000-8000-000000000000',
  stateMachineName: 'bench',
  startTimeMs: NOW_MS,
};

export const ENTROPY = { random: () => 0.5, uuid: () => '00000000-0000-4000-8000-000000000000' };
