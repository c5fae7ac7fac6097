import { describe, expect, test } from '@jest/globals';
import { compileStored, processorOf } from '../../src/main/machines.js';

const definition = (more: object = {}) =>
  JSON.stringify({ StartAt: 'A', States: { A: { Type: 'Succeed' } }, ...more });

const mapOf = (ExecutionType: string, Label: string) => ({
  Type: 'Map',
  Label,
  ItemProcessor: {
    ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType },
    StartAt: 'P',
    States: { P: { Type: 'Pass', End: true } },
  },
  End: true,
});

describe('a stored definition', () => {
  test('of an Express machine has 5 minutes at most, and less if it says so', () => {
    expect(compileStored(definition(), 'EXPRESS').timeoutSeconds).toBe(300);
    expect(compileStored(definition({ TimeoutSeconds: 7 }), 'EXPRESS').timeoutSeconds).toBe(7);
    expect(compileStored(definition({ TimeoutSeconds: 900 }), 'EXPRESS').timeoutSeconds).toBe(300);
  });

  test('of a Standard machine has the time that it says, or any', () => {
    expect(compileStored(definition(), 'STANDARD').timeoutSeconds).toBeUndefined();
    expect(compileStored(definition({ TimeoutSeconds: 900 }), 'STANDARD').timeoutSeconds).toBe(900);
  });

  test('that does not parse is a fault of ours', () => {
    expect(() => compileStored('{', 'STANDARD')).toThrow('does not parse');
  });
});

describe("a distributed Map's processor", () => {
  test('is a machine of its own type, found by its label', () => {
    const branch = { StartAt: 'Two', States: { Two: mapOf('EXPRESS', 'two') } };
    const machine = compileStored(
      JSON.stringify({
        StartAt: 'One',
        States: {
          One: { ...mapOf('STANDARD', 'one'), End: undefined, Next: 'Both' },
          Both: { Type: 'Parallel', Branches: [branch], End: true },
        },
      }),
      'STANDARD',
    );
    expect(processorOf(machine, 'one')).toMatchObject({ type: 'STANDARD', machine: { startAt: 'P' } });
    expect(processorOf(machine, 'two')).toMatchObject({ type: 'EXPRESS', machine: { timeoutSeconds: 300 } });
    expect(processorOf(machine, 'three')).toBeUndefined();
  });
});
