/**
 * Environment → one frozen, validated Config. Nobody else reads `process.env`.
 *
 * Every complaint is collected, so that one start shows all of them.
 */

import { isIP } from 'node:net';

export interface Config {
  /** undefined: embedded PostgreSQL in dataDir. */
  databaseUrl: string | undefined;
  /** undefined: BullMQ on PostgreSQL. */
  redisUrl: string | undefined;
  host: string;
  port: number;
  apiKeys: readonly string[];
  /** `AUTH=none`: anybody may call, from anywhere. */
  authNone: boolean;
  dataDir: string;
  /** Path of the handlers module; undefined: the example's. */
  handlers: string | undefined;
  /** Where handlers run that do not say so themselves. */
  handlersIsolation: 'thread' | 'none';
  /** Threads of a worker for handlers that run in threads. */
  handlerThreads: number;
  /** Calls that one thread makes at a time. */
  handlerThreadConcurrency: number;
  /** What a thread may hold, in MiB. */
  handlerMemoryMb: number;
  concurrency: number;
  /** Queues that a worker takes from; undefined: all. */
  queues: readonly string[] | undefined;
  /** Weights that differ from the built-in ones, by queue. */
  queueWeights: Readonly<Record<string, number>>;
  retryPolicy: RetryPolicy;
  /** A worker whose heartbeat is older than this is dead, in ms. */
  leaseMs: number;
  heartbeatMs: number;
  sweepMs: number;
  shutdownGraceMs: number;
  databasePoolSize: number;
  /** The largest request body, in bytes. */
  bodyLimit: number;
  /** The largest NDJSON body of a batch, in bytes. */
  batchBodyLimit: number;
  /** The largest input of an execution, in bytes of JSON text; what states hand on is held to AWS's 256 KiB. */
  payloadLimit: number;
  /** An execution fails when its history has so many events; 0: no limit. AWS's is 25,000. */
  historyLimit: number;
  /** How many parents an execution may have, one above the other; 0: no limit. */
  nestingLimit: number;
  /** How late the API's event loop may come round, on average, before it refuses requests, in ms; 0: it never does. */
  loopDelayLimitMs: number;
  /** The same for how long a session of the database is waited for, in ms. */
  sessionWaitLimitMs: number;
  /** How many requests an API process holds at once (`?wait=`). */
  waitsLimit: number;
  /** How many sources a batch may have. */
  batchLimit: number;
  /** Workers take less while a commit takes longer than this, in ms; 0: they never do. */
  slowCommitMs: number;
  /** For how long what has ended is kept, in ms, by status; a status that is left out, for ever. */
  retention: Readonly<Partial<Record<'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED', number>>>;
  /** What ARNs say where AWS's say where a resource is, and whose. */
  region: string;
  accountId: string;
  logLevel: string;
  prefix: string;
  objects: ObjectsSettings;
  /** What seals secrets at rest, each 32 bytes in base64; the first seals, each of them opens. None: no secrets are kept. */
  secretsKeys: readonly string[];
  /** Where HTTP tasks and task endpoints may go besides public addresses: CIDR blocks, addresses, hosts, `*.domain`. */
  httpTasksAllow: readonly string[];
}

/** Where distributed Maps read items from and write results to: one of them, or neither. */
interface ObjectsSettings {
  /** A directory whose subdirectories are the buckets. */
  directory: string | undefined;
  s3:
    | {
        /** undefined: AWS's own, by region. */
        endpoint: string | undefined;
        region: string;
        /** Both keys or none: then the SDK finds credentials itself. */
        accessKeyId: string | undefined;
        secretAccessKey: string | undefined;
        forcePathStyle: boolean;
      }
    | undefined;
}

/** What the queue does with an execution that infrastructure keeps from being advanced. */
export interface RetryPolicy {
  attempts: number;
  /** The first pause; each further one is twice as long, up to 5 minutes. */
  backoffMs: number;
  /** How long a claim, a read of the journal or a commit may take. */
  timeoutMs: number;
}

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Reads the configuration.
 * @throws ConfigError that lists every setting that does not make sense, a line each.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>> = process.env): Config {
  const complaints: string[] = [];
  const text = (name: string): string | undefined => {
    const value = env[name]?.trim();
    return value === undefined || value === '' ? undefined : value;
  };
  const integer = (name: string, fallback: number, min: number, max: number): number => {
    const value = text(name);
    if (value === undefined) return fallback;
    const number = Number(value);
    if (Number.isInteger(number) && number >= min && number <= max) return number;
    complaints.push(`${name} is '${value}'; expected a whole number from ${min} to ${max}.`);
    return fallback;
  };
  const url = (name: string, protocols: readonly string[]): string | undefined => {
    const value = text(name);
    if (value === undefined) return undefined;
    if (URL.canParse(value) && protocols.includes(new URL(value).protocol)) return value;
    complaints.push(`${name} is not a URL that begins with ${protocols.map((p) => `${p}//`).join(' or ')}.`);
    return undefined;
  };
  const list = (name: string): string[] =>
    (text(name) ?? '')
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');

  const apiKeys = list('API_KEYS');
  for (const key of apiKeys) {
    if (key.length < 16) complaints.push('API_KEYS has a key of fewer than 16 characters.');
  }
  const auth = text('AUTH');
  if (auth !== undefined && auth !== 'none') complaints.push(`AUTH is '${auth}'; the only value is 'none'.`);
  const host = text('HOST') ?? '127.0.0.1';
  if (!isLoopback(host) && apiKeys.length === 0 && auth !== 'none') {
    complaints.push(
      `HOST is '${host}', which others can reach, and there are no API_KEYS. Set API_KEYS, or say AUTH=none to let anybody in.`,
    );
  }

  const weights: Record<string, number> = {};
  for (const pair of list('QUEUE_WEIGHTS')) {
    const match = /^([A-Za-z0-9_-]{1,100})=([1-9][0-9]{0,3})$/.exec(pair);
    if (match?.[1] !== undefined) weights[match[1]] = Number(match[2]);
    else complaints.push(`QUEUE_WEIGHTS has '${pair}'; expected name=weight with a weight from 1 to 9999.`);
  }
  const queues = list('QUEUES');
  const leaseMs = integer('WORKER_LEASE_SECONDS', 10, 2, 3600) * 1000;

  const config: Config = {
    databaseUrl: url('DATABASE_URL', ['postgres:', 'postgresql:']),
    redisUrl: url('REDIS_URL', ['redis:', 'rediss:']),
    host,
    port: integer('PORT', 3000, 0, 65_535),
    apiKeys,
    authNone: auth === 'none',
    dataDir: text('DATA_DIR') ?? './.escapement',
    handlers: text('HANDLERS'),
    handlersIsolation: text('HANDLERS_ISOLATION') === 'thread' ? 'thread' : 'none',
    handlerThreads: integer('HANDLER_THREADS', 4, 1, 1_000),
    handlerThreadConcurrency: integer('HANDLER_THREAD_CONCURRENCY', 1, 1, 1_000),
    handlerMemoryMb: integer('HANDLER_MEMORY_MB', 256, 16, 1_048_576),
    concurrency: integer('CONCURRENCY', 200, 1, 10_000),
    queues: queues.length === 0 ? undefined : queues,
    queueWeights: weights,
    retryPolicy: {
      attempts: integer('QUEUE_ATTEMPTS', 5, 1, 100),
      backoffMs: integer('QUEUE_BACKOFF_MS', 1000, 1, 300_000),
      // Longer than a statement may take (30 s): a commit is not given up while it may still come in.
      timeoutMs: integer('QUEUE_TIMEOUT_SECONDS', 60, 40, 3600) * 1000,
    },
    leaseMs,
    heartbeatMs: Math.max(500, Math.floor(leaseMs / 4)),
    sweepMs: integer('SWEEP_SECONDS', 3, 1, 3600) * 1000,
    shutdownGraceMs: integer('SHUTDOWN_GRACE_SECONDS', 10, 0, 3600) * 1000,
    databasePoolSize: integer('DATABASE_POOL_SIZE', 10, 2, 500),
    bodyLimit: integer('BODY_LIMIT_BYTES', 8 * 1024 * 1024, 1024, 1024 ** 3),
    batchBodyLimit: integer('BATCH_BODY_LIMIT_BYTES', 2 * 1024 ** 3, 1024, 2 ** 50),
    payloadLimit: integer('PAYLOAD_LIMIT_BYTES', 256 * 1024, 1024, 16 * 1024 * 1024),
    historyLimit: integer('HISTORY_LIMIT_EVENTS', 25_000, 0, 100_000_000),
    loopDelayLimitMs: integer('OVERLOAD_LOOP_DELAY_MS', 500, 0, 60_000),
    sessionWaitLimitMs: integer('OVERLOAD_SESSION_WAIT_MS', 1000, 0, 60_000),
    waitsLimit: integer('WAITS_LIMIT', 10_000, 1, 1_000_000),
    batchLimit: integer('BATCH_LIMIT_SOURCES', 10_000_000, 1, 1_000_000_000),
    slowCommitMs: integer('SLOW_COMMIT_MS', 1000, 0, 60_000),
    nestingLimit: integer('NESTING_LIMIT', 100, 0, 1_000_000),
    retention: readRetention(list('RETENTION_DAYS'), complaints),
    region: text('REGION') ?? 'us-east-1',
    accountId: text('ACCOUNT_ID') ?? '000000000000',
    logLevel: text('LOG_LEVEL') ?? 'info',
    prefix: text('QUEUE_PREFIX') ?? 'escapement',
    secretsKeys: list('SECRETS_KEY'),
    httpTasksAllow: list('HTTP_TASKS_ALLOW'),
    objects: readObjects(text, url('S3_ENDPOINT', ['http:', 'https:']), complaints),
  };
  const isolation = text('HANDLERS_ISOLATION');
  if (isolation !== undefined && isolation !== 'thread' && isolation !== 'none') {
    complaints.push(`HANDLERS_ISOLATION is '${isolation}'; expected thread or none.`);
  }
  if (!/^[A-Za-z0-9_-]{1,40}$/.test(config.prefix)) {
    complaints.push(`QUEUE_PREFIX is '${config.prefix}'; expected letters, digits, '-' and '_', at most 40.`);
  }
  if (!/^[a-z0-9-]{1,40}$/.test(config.region)) {
    complaints.push(`REGION is '${config.region}'; expected small letters, digits and '-', at most 40.`);
  }
  if (!/^\d{12}$/.test(config.accountId)) {
    complaints.push(`ACCOUNT_ID is '${config.accountId}'; expected 12 digits.`);
  }
  if (!['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'].includes(config.logLevel)) {
    complaints.push(
      `LOG_LEVEL is '${config.logLevel}'; expected fatal, error, warn, info, debug, trace or silent.`,
    );
  }
  for (const key of config.secretsKeys) {
    // The key itself may end up in a log, and is not told.
    if (!/^[A-Za-z0-9+/]{43}=$/.test(key))
      complaints.push(
        'SECRETS_KEY has a key that is not 32 bytes in base64; `openssl rand -base64 32` makes one.',
      );
  }
  for (const entry of config.httpTasksAllow) {
    if (!isAllowance(entry))
      complaints.push(
        `HTTP_TASKS_ALLOW has '${entry}'; expected an address, a CIDR block, a host or *.domain.`,
      );
  }
  if (complaints.length > 0) throw new ConfigError(complaints.join('\n'));
  return Object.freeze(config);
}

const ENDED = ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'] as const;

/** `7`: days for all that has ended; `SUCCEEDED=7,FAILED=90`: by status. Parts of a day are days, too. */
function readRetention(parts: readonly string[], complaints: string[]): Config['retention'] {
  const retention: { -readonly [S in keyof Config['retention']]: number } = {};
  for (const part of parts) {
    const match = /^(?:([A-Z_]+)=)?([0-9]{1,5}(?:\.[0-9]{1,6})?)$/.exec(part);
    const days = Number(match?.[2]);
    const named = ENDED.filter((status) => match?.[1] === undefined || match[1] === status);
    const isAll = match !== null && match[1] === undefined;
    if (!(days > 0) || named.length === 0 || (isAll && parts.length > 1)) {
      complaints.push(
        `RETENTION_DAYS has '${part}'; expected a number of days, or status=days with ${ENDED.join(', ')}.`,
      );
      continue;
    }
    for (const status of named) retention[status] = days * 86_400_000;
  }
  return retention;
}

/** No complaint repeats a key: it may end up in a log. */
function readObjects(
  text: (name: string) => string | undefined,
  endpoint: string | undefined,
  complaints: string[],
): ObjectsSettings {
  const directory = text('OBJECTS_DIR');
  const region = text('S3_REGION');
  const accessKeyId = text('S3_ACCESS_KEY_ID');
  const secretAccessKey = text('S3_SECRET_ACCESS_KEY');
  const pathStyle = text('S3_FORCE_PATH_STYLE');
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    complaints.push('S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY go together: set both or neither.');
  }
  if (pathStyle !== undefined && pathStyle !== 'true' && pathStyle !== 'false') {
    complaints.push(`S3_FORCE_PATH_STYLE is '${pathStyle}'; expected true or false.`);
  }
  const isS3 = text('S3_ENDPOINT') !== undefined || region !== undefined;
  if (directory !== undefined && isS3) {
    complaints.push(
      'OBJECTS_DIR and S3_ENDPOINT or S3_REGION are both set; objects are in one place: set one.',
    );
  }
  if (!isS3 && (accessKeyId !== undefined || secretAccessKey !== undefined || pathStyle !== undefined)) {
    complaints.push('S3 settings without S3_ENDPOINT or S3_REGION have no effect: set one of them.');
  }
  if (!isS3) return { directory, s3: undefined };
  return {
    directory,
    s3: {
      endpoint,
      // What servers other than AWS's own take when they know no regions.
      region: region ?? 'us-east-1',
      accessKeyId,
      secretAccessKey,
      forcePathStyle: pathStyle === undefined ? endpoint !== undefined : pathStyle === 'true',
    },
  };
}

function isAllowance(entry: string): boolean {
  const [address = '', prefix, ...rest] = entry.split('/');
  const family = isIP(address);
  if (family === 0) return /^(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$/.test(entry);
  const most = family === 4 ? 32 : 128;
  return rest.length === 0 && (prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= most));
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
