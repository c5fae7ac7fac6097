import { describe, expect, test } from '@jest/globals';
import { createAddressPolicy } from '../../../src/tasks/http/addresses.js';

describe('without a list', () => {
  const policy = createAddressPolicy([]);
  test.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '100.127.255.255',
    '127.0.0.1',
    '127.8.8.8',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.8',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    'fe80::1',
    'fe80::1%eth0',
    'fc00::1',
    'fd12:3456::1',
    'ff02::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:8.8.8.8',
    '64:ff9b::7f00:1',
    '2001::1',
    '2001:db8::1',
    '168.63.129.16',
    '2002:7f00:1::',
    'not-an-address',
    '',
  ])('%s is refused', (address) => {
    expect(policy.judge('some.example', address)).toBe('refused');
  });

  test.each(['8.8.8.8', '172.32.0.1', '100.128.0.1', '93.184.216.34', '2606:4700::1111', '2a00:1450::1'])(
    '%s is public',
    (address) => {
      expect(policy.judge('some.example', address)).toBe('public');
    },
  );
});

describe('the list', () => {
  const policy = createAddressPolicy(['10.0.0.0/8', '127.0.0.1', 'fd00::/8', 'Mail.example', '*.internal']);
  test.each([
    ['x', '10.200.0.1', 'allowed'],
    ['x', '127.0.0.1', 'allowed'],
    ['x', '::ffff:127.0.0.1', 'allowed'],
    ['x', '127.0.0.2', 'refused'],
    ['x', 'fd00::9', 'allowed'],
    ['x', 'fc00::9', 'refused'],
    ['mail.EXAMPLE', '192.168.0.1', 'allowed'],
    ['mail.example.', '192.168.0.1', 'allowed'],
    ['evilmail.example', '192.168.0.1', 'refused'],
    ['db.internal', '172.16.0.1', 'allowed'],
    ['internal', '172.16.0.1', 'refused'],
    ['notinternal', '172.16.0.1', 'refused'],
    ['mail.example', '8.8.8.8', 'allowed'],
    ['x', '8.8.8.8', 'public'],
  ])('%s at %s is %s', (host, address, judgement) => {
    expect(policy.judge(host, address)).toBe(judgement);
  });
});
