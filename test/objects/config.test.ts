import { describe, expect, test } from '@jest/globals';
import { readConfig } from '../../src/config.js';
import { openObjectStore } from '../../src/objects/index.js';

const KEYS = { S3_ACCESS_KEY_ID: 'key-id', S3_SECRET_ACCESS_KEY: 'very-secret' };

describe('the settings of the objects', () => {
  test('are nothing at first', () => {
    const { objects } = readConfig({});
    expect(objects).toEqual({ directory: undefined, s3: undefined });
    expect(openObjectStore(objects)).toBeUndefined();
  });

  test('name a directory', () => {
    const { objects } = readConfig({ OBJECTS_DIR: '/srv/objects' });
    expect(objects).toEqual({ directory: '/srv/objects', s3: undefined });
    expect(openObjectStore(objects)).toBeDefined();
  });

  test('name a server that speaks S3, with its buckets in the path', () => {
    const { objects } = readConfig({ S3_ENDPOINT: 'http://minio:9000', ...KEYS });
    expect(objects.s3).toEqual({
      endpoint: 'http://minio:9000',
      region: 'us-east-1',
      accessKeyId: 'key-id',
      secretAccessKey: 'very-secret',
      forcePathStyle: true,
    });
    expect(openObjectStore(objects)).toBeDefined();
  });

  test('name a region of AWS, with its buckets in the host', () => {
    expect(readConfig({ S3_REGION: 'eu-west-1' }).objects.s3).toMatchObject({
      endpoint: undefined,
      region: 'eu-west-1',
      accessKeyId: undefined,
      forcePathStyle: false,
    });
  });

  test.each([
    [{ S3_ENDPOINT: 'minio:9000' }, /S3_ENDPOINT is not a URL/],
    [{ S3_REGION: 'eu-west-1', S3_SECRET_ACCESS_KEY: 'very-secret' }, /set both or neither/],
    [{ S3_REGION: 'eu-west-1', S3_FORCE_PATH_STYLE: 'yes' }, /expected true or false/],
    [{ OBJECTS_DIR: '/srv', S3_REGION: 'eu-west-1' }, /are both set/],
    [KEYS, /without S3_ENDPOINT or S3_REGION have no effect/],
  ])('are refused where they make no sense, and no secret is repeated: %#', (env, complaint) => {
    expect(() => readConfig(env)).toThrow(complaint);
    expect(() => readConfig(env)).not.toThrow(/very-secret/);
  });
});
