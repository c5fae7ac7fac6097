import { randomUUID } from 'node:crypto';
import { constants, createReadStream, createWriteStream, type Stats } from 'node:fs';
import { lstat, mkdir, open, readdir, realpath, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fieldOf, ObjectError, type ObjectListing, type ObjectStore } from './object-store.js';

/**
 * Objects as files: `root/<bucket>/<key>`. What a key may reach:
 *
 * 1. Only what lies below its bucket's directory: no `..`, no absolute path, no drive.
 * 2. Nothing through a symbolic link, wherever that leads: the real path has to be the plain one. (The root
 *    itself may be a link; that is the operator's doing.)
 * 3. A bucket has to be there, as in S3; the directories of a key are made when it is written.
 */
export function openDirectoryStore(root: string): ObjectStore {
  return {
    read: (bucket, key, versionId) => read(root, bucket, key, versionId),
    list: (bucket, prefix) => list(root, bucket, prefix ?? ''),
    write: (bucket, key, body) => write(root, bucket, key, body),
  };
}

/** Where what is being written lies until it is whole. No bucket can have this name. */
const UPLOADS = '.uploads';

/** S3's rule is narrower; this keeps out what is no plain name of a directory. */
const BUCKET_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/;

async function read(root: string, bucket: string, key: string, versionId: string | undefined) {
  if (versionId !== undefined) {
    throw new ObjectError(
      'NoSuchKey',
      `A directory keeps no versions: there is no version '${versionId}' of '${key}'.`,
    );
  }
  const home = await bucketPath(root, bucket);
  const file = path.join(home, ...segmentsOf(key));
  try {
    await refuseLinks(file);
    const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW);
    if (!(await handle.stat()).isFile()) {
      await handle.close();
      throw noSuchKey(key);
    }
    return createReadStream('', { fd: handle, highWaterMark: 256 * 1024 });
  } catch (error) {
    throw objectErrorOf(error, key);
  }
}

async function* list(root: string, bucket: string, prefix: string): AsyncIterable<ObjectListing> {
  const home = await bucketPath(root, bucket);
  try {
    yield* walk(home, '', prefix);
  } catch (error) {
    throw objectErrorOf(error, prefix);
  }
}

/** Depth first, one directory's names in memory at a time; `a/` sorts among its siblings as S3 sorts whole keys. */
async function* walk(home: string, under: string, prefix: string): AsyncIterable<ObjectListing> {
  const entries = await readdir(path.join(home, under), { withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isDirectory() || entry.isFile())
    .map((entry) => ({
      directory: entry.isDirectory(),
      key: `${under}${entry.name}${entry.isDirectory() ? '/' : ''}`,
    }))
    .filter(({ directory, key }) => key.startsWith(prefix) || (directory && prefix.startsWith(key)))
    .map((entry) => ({ ...entry, bytes: Buffer.from(entry.key) }))
    .sort((left, right) => Buffer.compare(left.bytes, right.bytes));
  for (const { directory, key } of names) {
    if (directory) {
      yield* walk(home, key, prefix);
      continue;
    }
    const stats = await lstat(path.join(home, key)).catch(() => undefined); // gone meanwhile
    if (stats?.isFile()) yield listingOf(key, stats);
  }
}

function listingOf(key: string, stats: Stats): ObjectListing {
  return {
    // Changes whenever the content does; a digest would mean to read every file that is listed.
    Etag: `"${Math.floor(stats.mtimeMs * 1000).toString(16)}-${stats.size.toString(16)}"`,
    Key: key,
    LastModified: Math.floor(stats.mtimeMs / 1000),
    Size: stats.size,
    StorageClass: 'STANDARD',
  };
}

async function write(root: string, bucket: string, key: string, body: AsyncIterable<string> | string) {
  const home = await bucketPath(root, bucket);
  const file = path.join(home, ...segmentsOf(key));
  const uploads = path.join(path.dirname(home), UPLOADS);
  const temporary = path.join(uploads, randomUUID());
  let theirs: { error: unknown } | undefined;
  const watched = async function* (): AsyncIterable<string> {
    try {
      if (typeof body === 'string') yield body;
      else yield* body;
    } catch (error) {
      theirs = { error };
      throw error;
    }
  };
  try {
    await mkdir(uploads, { recursive: true });
    await pipeline(Readable.from(watched()), createWriteStream(temporary, { flags: 'wx', flush: true }));
    await makeDirectories(home, path.dirname(file));
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    if (theirs !== undefined) throw theirs.error;
    throw objectErrorOf(error, key);
  }
}

/** Each level by itself, since `mkdir -p` would make directories behind a link before anybody could look. */
async function makeDirectories(home: string, target: string): Promise<void> {
  const below = path.relative(home, target);
  let directory = home;
  for (const segment of below === '' ? [] : below.split(path.sep)) {
    directory = path.join(directory, segment);
    await mkdir(directory).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
    });
    await refuseLinks(directory);
  }
}

async function bucketPath(root: string, bucket: string): Promise<string> {
  const missing = new ObjectError('NoSuchBucket', `The specified bucket does not exist: '${bucket}'.`);
  if (!BUCKET_NAME.test(bucket) || bucket.includes('..')) throw missing;
  const base = await realpath(root).catch((error: unknown) => {
    throw new ObjectError('Unavailable', `The directory of the objects cannot be read (${codeOf(error)}).`, {
      cause: error,
    });
  });
  const home = path.join(base, bucket);
  const stats = await lstat(home).catch(() => undefined);
  if (stats === undefined) throw missing;
  if (!stats.isDirectory())
    throw new ObjectError('AccessDenied', `The bucket '${bucket}' is not a directory.`);
  return home;
}

function segmentsOf(key: string): string[] {
  const segments = key.split('/');
  const plain =
    key !== '' &&
    !key.includes('\0') &&
    Buffer.byteLength(key) <= 1024 &&
    segments.every((part) => part !== '' && part !== '.' && part !== '..') &&
    (path.sep === '/' || !/[\\:]/.test(key));
  if (!plain) {
    throw new ObjectError('AccessDenied', `Access Denied: the key '${key}' is no path below its bucket.`);
  }
  return segments;
}

async function refuseLinks(file: string): Promise<void> {
  if ((await realpath(file)) !== file) {
    throw new ObjectError('AccessDenied', 'Access Denied: the key leads through a symbolic link.');
  }
}

function noSuchKey(key: string): ObjectError {
  return new ObjectError('NoSuchKey', `The specified key does not exist: '${key}'.`);
}

function objectErrorOf(error: unknown, key: string): ObjectError {
  if (error instanceof ObjectError) return error;
  const code = codeOf(error);
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') return noSuchKey(key);
  if (code === 'EACCES' || code === 'EPERM' || code === 'ELOOP' || code === 'EISDIR') {
    return new ObjectError('AccessDenied', `Access Denied: '${key}' (${code}).`, { cause: error });
  }
  return new ObjectError('Unavailable', `The objects cannot be reached (${code}).`, { cause: error });
}

/** Never the message, which holds paths of this machine. */
function codeOf(error: unknown): string {
  return fieldOf(error, 'code') || 'unknown error';
}
