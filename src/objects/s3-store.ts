import { Readable } from 'node:stream';
import type { GetObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import { fieldOf, ObjectError, type ObjectListing, type ObjectStore } from './object-store.js';

/** An S3 or whatever speaks its protocol. Without keys, the SDK finds credentials itself (a machine's role). */
export interface S3Settings {
  /** undefined: AWS's own, by region. */
  endpoint: string | undefined;
  region: string;
  accessKeyId: string | undefined;
  secretAccessKey: string | undefined;
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`. */
  forcePathStyle: boolean;
}

/** How often a read goes on where its connection broke, without a byte between two of them. */
const RESUMES_MAX = 5;

/** Objects in S3, through AWS's own client, which is loaded at the first call. */
export function openS3Store(settings: S3Settings): ObjectStore {
  let loaded: Promise<Driver> | undefined;
  const driver = (): Promise<Driver> => {
    loaded ??= loadDriver(settings);
    return loaded;
  };
  return {
    read: async (bucket, key, versionId) => {
      const at = { bucket, key, versionId };
      const { sdk, client } = await driver();
      const get = (from?: { offset: number; etag: string | undefined }) =>
        client.send(
          new sdk.GetObjectCommand({
            Bucket: bucket,
            Key: key,
            VersionId: versionId,
            ...(from === undefined ? {} : { Range: `bytes=${from.offset}-`, IfMatch: from.etag }),
          }),
        );
      return bytesOf(await get().catch(rethrowAs(at)), get, at);
    },
    list: async function* (bucket, prefix) {
      const { sdk, client } = await driver();
      let token: string | undefined;
      do {
        const page = await client
          .send(new sdk.ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token }))
          .catch(rethrowAs({ bucket, key: prefix ?? '' }));
        for (const entry of page.Contents ?? []) {
          if (entry.Key !== undefined) yield listingOf({ ...entry, Key: entry.Key });
        }
        token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      } while (token !== undefined);
    },
    write: async (bucket, key, body) => {
      const { sdk, client } = await driver();
      const target = { Bucket: bucket, Key: key };
      if (typeof body === 'string') {
        await client
          .send(new sdk.PutObjectCommand({ ...target, Body: body }))
          .catch(rethrowAs({ bucket, key }));
        return;
      }
      const { Upload } = await import('@aws-sdk/lib-storage');
      let theirs: { error: unknown } | undefined;
      const watched = async function* (): AsyncIterable<Uint8Array> {
        try {
          for await (const text of body) yield Buffer.from(text);
        } catch (error) {
          theirs = { error };
          throw error;
        }
      };
      const upload = new Upload({
        client,
        params: { ...target, Body: Readable.from(watched(), { objectMode: false }) },
        partSize: 8 * 1024 * 1024,
        queueSize: 2,
      });
      await upload.done().catch((error: unknown) => {
        if (theirs !== undefined) throw theirs.error;
        return rethrowAs({ bucket, key })(error);
      });
    },
  };
}

interface Driver {
  sdk: typeof import('@aws-sdk/client-s3');
  client: S3Client;
}

async function loadDriver(settings: S3Settings): Promise<Driver> {
  const sdk = await import('@aws-sdk/client-s3');
  const { endpoint, region, accessKeyId, secretAccessKey, forcePathStyle } = settings;
  const client = new sdk.S3Client({
    region,
    forcePathStyle,
    maxAttempts: 4,
    // Not every server that speaks S3 knows the newer checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : { credentials: { accessKeyId, secretAccessKey } }),
  });
  return { sdk, client };
}

interface Place {
  bucket: string;
  key: string;
  versionId?: string | undefined;
}

/**
 * The bytes of an answer. A Map takes items as fast as its children end, which may be hours between two reads:
 * servers and proxies cut such connections. Then the rest is asked for, of the same version or not at all.
 */
async function* bytesOf(
  first: GetObjectCommandOutput,
  get: (from: { offset: number; etag: string | undefined }) => Promise<GetObjectCommandOutput>,
  place: Place,
): AsyncIterable<Uint8Array> {
  const etag = first.ETag;
  const total = first.ContentLength;
  let offset = 0;
  let failures = 0;
  let answer: GetObjectCommandOutput | undefined = first;
  while (true) {
    try {
      answer ??= await get({ offset, etag });
      const { Body: body } = answer;
      if (!(body instanceof Readable)) throw new Error('the answer has no body');
      for await (const chunk of body) {
        if (!(chunk instanceof Uint8Array)) throw new Error('the body is not of bytes');
        offset += chunk.length;
        failures = 0;
        yield chunk;
      }
      if (total === undefined || offset >= total) return;
      throw new Error('the body ended early');
    } catch (error) {
      if (answer === undefined && statusOf(error) === 412) {
        throw new ObjectError('Unavailable', `The object '${place.key}' was changed while it was read.`, {
          cause: error,
        });
      }
      failures += 1;
      if (failures > RESUMES_MAX) return rethrowAs(place)(error);
      answer = undefined;
    }
  }
}

function listingOf(entry: {
  ETag?: string | undefined;
  Key: string;
  LastModified?: Date | undefined;
  Size?: number | undefined;
  StorageClass?: string | undefined;
}): ObjectListing {
  return {
    Etag: entry.ETag ?? '',
    Key: entry.Key,
    LastModified: Math.floor((entry.LastModified?.getTime() ?? 0) / 1000),
    Size: entry.Size ?? 0,
    StorageClass: entry.StorageClass ?? 'STANDARD',
  };
}

function rethrowAs({ bucket, key }: Place): (error: unknown) => never {
  return (error) => {
    const name = fieldOf(error, 'name');
    const said = fieldOf(error, 'message');
    if (name === 'NoSuchBucket') {
      throw new ObjectError('NoSuchBucket', `The specified bucket does not exist: '${bucket}'.`, {
        cause: error,
      });
    }
    if (name === 'NoSuchKey' || name === 'NoSuchVersion' || name === 'NotFound' || statusOf(error) === 404) {
      throw new ObjectError('NoSuchKey', `The specified key does not exist: '${key}'.`, { cause: error });
    }
    if (statusOf(error) === 403) {
      throw new ObjectError('AccessDenied', `Access Denied: '${key}' in the bucket '${bucket}' (${name}).`, {
        cause: error,
      });
    }
    throw new ObjectError('Unavailable', `S3 did not answer as it should (${name || 'Error'}: ${said}).`, {
      cause: error,
    });
  };
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined;
  const metadata = error.$metadata;
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}
