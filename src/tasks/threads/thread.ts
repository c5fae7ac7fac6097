/** One handler thread as its worker sees it: what is told to it, what it says, and how it ended. */
import { Worker } from 'node:worker_threads';
import type { TaskOutcome } from '../../engine/index.js';
import { type Failure, failure, failureOf } from '../failure.js';
import type { FromThread, LogLevel, ThreadData, ToThread } from './protocol.js';

export interface ThreadOptions {
  /** The handlers module's path. */
  module: string;
  /** What it may hold of V8's heap, or of heap and Buffers together, in MiB. */
  memoryMb: number;
  /** The script that runs in it. */
  entry: URL;
  on: ThreadEvents;
}

export interface ThreadEvents {
  ready(): void;
  begun(id: number): void;
  /** `isFull`: it should be given nothing more. */
  ended(id: number, outcome: TaskOutcome, isFull: boolean): void;
  heartbeat(id: number): void;
  log(id: number, level: LogLevel, fields: object, message: string | undefined): void;
  stray(about: object, fields: object): void;
  /** It is gone, by itself or by `end`. `culprit`: the call that has ended it, if that is known. */
  gone(why: Failure, culprit: number | undefined): void;
}

export interface Thread {
  post(message: ToThread): void;
  /** Ends it at once, whatever it is doing. Resolves when it is gone. */
  end(): Promise<void>;
}

export function startThread({ module, memoryMb, entry, on }: ThreadOptions): Thread {
  const backlog = new SharedArrayBuffer(4);
  const waiting = new Int32Array(backlog);
  const worker = new Worker(entry, {
    workerData: { module, memoryMb, backlog } satisfies ThreadData,
    resourceLimits: { maxOldGenerationSizeMb: memoryMb },
  });
  let ending: Extract<FromThread, { kind: 'ending' }> | undefined;
  let error: unknown;
  let isGone = false;

  worker.on('message', (message: FromThread) => {
    Atomics.sub(waiting, 0, 1);
    Atomics.notify(waiting, 0);
    switch (message.kind) {
      case 'ready':
        return on.ready();
      case 'begun':
        return on.begun(message.id);
      case 'ended':
        return on.ended(message.id, message.outcome, message.isFull);
      case 'heartbeat':
        return on.heartbeat(message.id);
      case 'log':
        return on.log(message.id, message.level, message.fields, message.message);
      case 'stray':
        return on.stray(message.about, message.fields);
      case 'ending':
        ending = message;
        return;
      default:
        return message satisfies never;
    }
  });
  worker.on('error', (thrown) => {
    error = thrown;
  });
  worker.on('messageerror', (thrown) => {
    error = thrown;
    void worker.terminate();
  });
  worker.on('exit', (code) => {
    isGone = true;
    const culprit = error === undefined && ending?.why === 'exit' ? ending.id : undefined;
    on.gone(endOf(error, ending, code, memoryMb), culprit);
  });

  return {
    post: (message) => {
      if (!isGone) worker.postMessage(message);
    },
    end: async () => {
      await worker.terminate();
    },
  };
}

/** Why a thread is gone, as the failure of the call that it took with it. */
function endOf(
  error: unknown,
  ending: Extract<FromThread, { kind: 'ending' }> | undefined,
  code: number,
  memoryMb: number,
): Failure {
  const isFull =
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    error.code === 'ERR_WORKER_OUT_OF_MEMORY';
  if (isFull || ending?.why === 'memory')
    return failure(
      'Handler.OutOfMemory',
      `The handler's thread had more memory than ${String(memoryMb)} MiB.`,
    );
  if (error !== undefined) {
    const { error: name, cause } = failureOf(error);
    return failure(
      'Handler.Crashed',
      `The handler's thread ended by an error that nobody caught: ${name}: ${cause}`,
    );
  }
  return failure(
    'Handler.Exited',
    `The handler's thread ended by process.exit(${String(ending?.code ?? code)}).`,
  );
}
