import type { Json } from '../../src/std/json.js';

/** A machine, and an input, of any size. */
export interface Shape {
  name: string;
  sizes: readonly number[];
  definition(size: number): Json;
  input(size: number): Json;
}

const NOOP = { Type: 'Task', Resource: 'noop', End: true };
const PASS = { Type: 'Pass', End: true };

/** Counts down from the size, so that each turn has the same states and little data. */
function loop(name: string, step: Record<string, Json>, sizes: readonly number[]): Shape {
  return {
    name,
    sizes,
    definition: () => ({
      QueryLanguage: 'JSONata',
      StartAt: 'Step',
      States: {
        Step: { ...step, Assign: { n: '{% $exists($n) ? $n - 1 : $states.input.n - 1 %}' }, Next: 'More' },
        More: { Type: 'Choice', Choices: [{ Condition: '{% $n > 0 %}', Next: 'Step' }], Default: 'Done' },
        Done: { Type: 'Succeed' },
      },
    }),
    input: (size) => ({ n: size }),
  };
}

function map(state: Json, name = 'Item'): Json {
  return {
    Type: 'Map',
    ItemProcessor: { StartAt: name, States: { [name]: state } },
    End: true,
  };
}

const items = (count: number): Json => Array.from({ length: count }, (_, n) => n);

export const SHAPES: readonly Shape[] = [
  loop('loop of Pass and Choice, turns', { Type: 'Pass' }, [250, 2_500, 25_000]),
  // A task's turn has 7 events.
  loop('loop of Task and Choice, turns', { Type: 'Task', Resource: 'noop' }, [143, 1_430, 14_300]),
  {
    name: 'inline Map of Pass, items',
    sizes: [100, 1_000, 10_000],
    definition: () => ({ StartAt: 'Map', States: { Map: map(PASS) } }),
    input: items,
  },
  {
    name: 'inline Map of Task, items',
    sizes: [100, 1_000, 10_000],
    definition: () => ({ StartAt: 'Map', States: { Map: map(NOOP) } }),
    input: items,
  },
  {
    name: 'Map of Maps of Task, items on either level',
    sizes: [10, 32, 100],
    definition: () => ({ StartAt: 'Map', States: { Map: map(map(NOOP, 'Inner')) } }),
    input: (size) => Array.from({ length: size }, () => items(size)),
  },
];
