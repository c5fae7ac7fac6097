import { expect, test } from '@jest/globals';
import { play } from './driver.js';
import { machineOf } from './machines.js';

test('a loop that nests its data ever deeper ends by name, before anything runs out of stack', async () => {
  const { history } = await play({
    definition: machineOf({
      A: { Type: 'Pass', Parameters: { 'a.$': '$' }, Next: 'B' },
      B: { Type: 'Choice', Choices: [{ Variable: '$.stop', IsPresent: true, Next: 'C' }], Default: 'A' },
      C: { Type: 'Succeed' },
    }),
  });
  expect(history.at(-1)).toMatchObject({
    type: 'ExecutionFailed',
    details: { error: 'States.DataLimitExceeded' },
  });
  expect(history.length).toBeLessThan(10_000);
});
