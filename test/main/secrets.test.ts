import { describe, expect, test } from '@jest/globals';
import { readConfig } from '../../src/config.js';

const KEY = Buffer.alloc(32, 7).toString('base64');

describe('the settings of calls over HTTP', () => {
  test('are nothing at first', () => {
    expect(readConfig({})).toMatchObject({ secretsKeys: [], httpTasksAllow: [] });
  });

  test('are lists', () => {
    const allow = '127.0.0.1, 10.0.0.0/8,::1,fd00::/8,mail.example,*.internal,localhost';
    const config = readConfig({ SECRETS_KEY: `${KEY},${KEY}`, HTTP_TASKS_ALLOW: allow });
    expect(config.secretsKeys).toEqual([KEY, KEY]);
    expect(config.httpTasksAllow).toEqual(allow.split(',').map((entry) => entry.trim()));
  });

  test.each(['short', KEY.slice(0, -1), `${KEY}AAAA`, Buffer.alloc(33).toString('base64')])(
    'refuse the key %s, and do not repeat it',
    (key) => {
      let said = '';
      try {
        readConfig({ SECRETS_KEY: key });
      } catch (error) {
        said = String(error);
      }
      expect(said).toContain('SECRETS_KEY');
      expect(said).not.toContain(key);
    },
  );

  test.each(['10.0.0.0/33', '10.0.0.0/8/8', 'fd00::/129', '10.0.0.0/x', 'http://x', '*', '*.', '-', '[::1]'])(
    'refuse %s as a place to go to',
    (entry) => {
      expect(() => readConfig({ HTTP_TASKS_ALLOW: entry })).toThrow(`HTTP_TASKS_ALLOW has '${entry}'`);
    },
  );
});
