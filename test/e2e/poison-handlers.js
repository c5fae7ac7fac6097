/** Handlers that do what no handler should. Each books its call first, so that a test sees how often it was made. */
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 2 });
pool.on('error', () => undefined);

async function book({ executionId, stateName, idempotencyKey, attempt }) {
  await pool.query(
    'INSERT INTO ledger (key, execution_id, state_name, attempt, pid) VALUES ($1, $2, $3, $4, $5)',
    [idempotencyKey, executionId, stateName, attempt, process.pid],
  );
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const never = () => new Promise(() => undefined);
const fail = (name, message = name) => Object.assign(new Error(message), { name });

function block(ms) {
  for (const end = performance.now() + ms; performance.now() < end; );
}

function nested(levels) {
  let value = 1;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

const refusing = (target = {}) => {
  const refuse = () => {
    throw new Error('not for you');
  };
  return new Proxy(target, { get: refuse, ownKeys: refuse, getPrototypeOf: refuse, has: refuse });
};

/** By name: what is returned. */
const RESULTS = {
  gigabyteOfBytes: () => Buffer.alloc(2 ** 30),
  gigabyteOfText: () => ['x'.repeat(2 ** 29 - 24), 'x'.repeat(2 ** 29 - 24)],
  deep: () => nested(1_000_000),
  cycle: () => {
    const value = {};
    value.self = value;
    return value;
  },
  bigint: () => 1n,
  function: () => () => 1,
  symbol: () => Symbol('s'),
  throwingGetter: () => ({
    get x() {
      throw new Error('not for you');
    },
  }),
  throwingToJson: () => ({
    toJSON() {
      throw new Error('not for you');
    },
  }),
  proxy: () => [refusing()],
  thenable: () => ({
    // biome-ignore lint/suspicious/noThenProperty: what a promise does with it is what is looked at.
    then() {
      throw fail('Thenable');
    },
  }),
  nothing: () => undefined,
  odd: () => ({
    nan: Number.NaN,
    date: new Date(0),
    map: new Map([[1, 2]]),
    f: () => 1,
    text: '\u0000\ud800',
  }),
};

/** By name: what is thrown. */
const THROWN = {
  undefined: undefined,
  null: null,
  text: 'text',
  frozen: Object.freeze({ code: 1 }),
  proxy: refusing(new Error('x')),
  unreadable: Object.defineProperty(new Error(), 'message', {
    get() {
      throw new Error('not for you');
    },
  }),
  symbol: Symbol('s'),
};

export default {
  async work(input, context) {
    await book(context);
    await wait(input.ms ?? 0);
    return input;
  },
  async quick(input, context) {
    await book(context);
    return input;
  },
  returns: (input) => RESULTS[input.what](),
  throws(input) {
    throw THROWN[input.what];
  },
  /** An error in a timer, or in a promise, that nobody catches; it never settles by itself. */
  async slips(input) {
    if (input.what === 'timer')
      setTimeout(() => {
        throw fail('Slipped');
      }, 20);
    else void wait(20).then(() => Promise.reject(fail('Forgotten')));
    await never();
  },
  /** The same, after it has returned. */
  slipsBehind() {
    setTimeout(() => {
      throw THROWN.proxy;
    }, 50);
    void wait(50).then(() => Promise.reject(THROWN.unreadable));
    return 'returned';
  },
  async neverSettles(_input, { signal }) {
    signal.addEventListener('abort', () => {
      throw new Error('a listener of the handler');
    });
    await never();
  },
  hurried: { timeoutMs: 300, handler: never },
  changesItsInput(input) {
    input.list.push('changed');
    input.n = 2;
    delete input.kept;
    return 'changed';
  },
  async ends(input, context) {
    await book(context);
    if (input.what === 'exit') process.exit(0);
    if (input.what === 'abort') process.abort();
    if (input.what === 'kill') process.kill(process.pid, 'SIGKILL');
    if (input.what === 'memory') for (const kept = []; ; ) kept.push({ kept });
    if (input.what === 'block') block(input.ms);
    if (input.what === 'spin') for (;;);
    await never();
  },
};
