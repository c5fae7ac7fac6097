/** What handlers do in the tests of threads: from the harmless to what ends a thread. */
import { threadId } from 'node:worker_threads';

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
let calls = 0;

export default {
  /** All that it is told, and the thread it is in. */
  tell(input, context) {
    calls += 1;
    const { signal, heartbeat, log, ...told } = context;
    log.info({ err: new RangeError('shown'), f: () => 1 }, 'functions cannot be sent');
    log.warn({ n: 1 }, 'told');
    heartbeat();
    return { input, told, aborted: signal.aborted, threadId, calls };
  },
  where: async (input) => {
    await wait(input.ms ?? 0);
    return threadId;
  },
  spin() {
    for (;;);
  },
  limited: {
    timeoutMs: 200,
    handler() {
      for (;;);
    },
  },
  /** Ends by itself when it is told to. */
  async polite(_input, { signal, log }) {
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    log.info({ reason: signal.reason.message }, 'stopping');
    return threadId;
  },
  exit: () => process.exit(3),
  async exitLater() {
    await wait(20);
    process.exit(3);
  },
  /** Ends its thread after it has returned. */
  exitBehind() {
    setTimeout(() => process.exit(3), 50);
    return threadId;
  },
  /** Blocks its thread after it has returned. */
  blockBehind() {
    setTimeout(() => {
      for (;;);
    }, 20);
    return threadId;
  },
  abort: () => process.abort(),
  leak() {
    const kept = [];
    for (;;) kept.push({ kept });
  },
  async leakBytes() {
    for (const kept = []; ; await wait(5)) kept.push(Buffer.alloc(4_000_000, 1));
  },
  async crashFromNowhere() {
    // Node.js keeps no asynchronous context for it.
    queueMicrotask(() => {
      throw new TypeError('from nowhere');
    });
    await wait(10_000);
  },
  async slip(input) {
    setTimeout(() => {
      throw Object.assign(new Error('slipped'), { name: 'Slipped' });
    }, input.ms);
    await wait(input.takesMs);
    return threadId;
  },
  async forget(input) {
    void wait(input.ms).then(() =>
      Promise.reject(Object.assign(new Error('forgotten'), { name: 'Forgotten' })),
    );
    await wait(input.takesMs);
    return threadId;
  },
  async listen(_input, { signal }) {
    signal.addEventListener('abort', () => {
      throw new Error('a listener');
    });
    await wait(10_000);
  },
  bytes: () => Buffer.alloc(100_000_000),
  chatter(input, { log, heartbeat }) {
    for (let n = 0; n < input.lines; n++) {
      log.info({ n }, 'on and on');
      heartbeat();
    }
    return input.lines;
  },
};
