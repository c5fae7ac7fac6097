/** From what is stored to what runs. */
import { compileMachine, type Machine, parseDefinition } from '../asl/index.js';
import { distributedMapOf, EXPRESS_SECONDS, processorMachine } from '../engine/index.js';
import type { MachineType, MachineVersion } from '../store/index.js';

/**
 * A definition as it was stored: validated before, so that what does not parse is our own fault. An Express
 * execution takes at most 5 minutes, whatever its definition says
 * (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
 */
export function compileStored(text: string, type: MachineType): Machine {
  const parsed = parseDefinition(text);
  if (!parsed.ok)
    throw new Error(`a stored definition does not parse: ${JSON.stringify(parsed.diagnostics)}`);
  const machine = compileMachine(parsed.definition);
  if (type === 'STANDARD') return machine;
  return { ...machine, timeoutSeconds: Math.min(machine.timeoutSeconds ?? EXPRESS_SECONDS, EXPRESS_SECONDS) };
}

/** What the children of a distributed Map's runs run; undefined: the machine has no Map of this label. */
export function processorOf(
  machine: Machine,
  label: string,
): Pick<MachineVersion, 'machine' | 'type'> | undefined {
  const processor = processorMachine(machine, label);
  const type = distributedMapOf(machine, label)?.distributed?.executionType;
  return processor === undefined || type === undefined ? undefined : { machine: processor, type };
}
