import type { Readable } from 'node:stream';
import { type InputLine, OperationError } from '../operations/index.js';
import { HttpRefusal } from './codes.js';
import { parseJson } from './json.js';

interface LineLimits {
  /** The longest line, in bytes: what is held in memory at a time. */
  lineLimit: number;
  /** The whole body, in bytes. */
  bodyLimit: number;
}

/**
 * The values of an NDJSON stream, each with the number of its line. Reads no further than it is asked for, so whoever takes the
 * values slowly slows the sender down. Blank lines are skipped, but counted.
 *
 * @throws OperationError INVALID_INPUT with pointer `/<line>` (from 1) when a line is not JSON, PAYLOAD_TOO_LARGE
 * when a line or the whole is too long. The stream is left open: it also carries the answer's connection.
 */
export async function* readLines(stream: Readable, limits: LineLimits): AsyncGenerator<InputLine, void> {
  let line = 1;
  let open: Buffer[] = [];
  let openBytes = 0;
  let total = 0;
  for await (const chunk of chunksOf(stream)) {
    total += chunk.length;
    if (total > limits.bodyLimit) {
      throw tooLarge('', `The body is larger than ${limits.bodyLimit} bytes.`);
    }
    let from = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, from)) {
      const rest = chunk.subarray(from, end);
      checkLength(openBytes + rest.length);
      const bytes = openBytes === 0 ? rest : Buffer.concat([...open, rest]);
      if (!isBlank(bytes)) yield parseLine(bytes, line);
      line++;
      open = [];
      openBytes = 0;
      from = end + 1;
    }
    open.push(chunk.subarray(from));
    openBytes += chunk.length - from;
    checkLength(openBytes);
  }
  const last = Buffer.concat(open);
  if (!isBlank(last)) yield parseLine(last, line);

  function checkLength(bytes: number): void {
    if (bytes > limits.lineLimit) {
      throw tooLarge(`/${line}`, `Line ${line} is longer than ${limits.lineLimit} bytes.`);
    }
  }
}

const LINE_FEED = 0x0a;

async function* chunksOf(stream: Readable): AsyncGenerator<Buffer, void> {
  try {
    // Destroying a request's stream would close the connection that the answer has to go through.
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
      if (Buffer.isBuffer(chunk)) yield chunk;
    }
  } catch (cause) {
    throw new OperationError('INVALID_INPUT', 'The body ended before it was complete.', { cause });
  }
}

function parseLine(bytes: Buffer, line: number): InputLine {
  try {
    return { line, value: parseJson(bytes, `Line ${line}`, `/${line}`) };
  } catch (error) {
    if (!(error instanceof HttpRefusal)) throw error;
    throw new OperationError('INVALID_INPUT', error.message, {
      details: [{ pointer: `/${line}`, code: error.code, message: error.message }],
    });
  }
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}

function tooLarge(pointer: string, message: string): OperationError {
  return new OperationError('PAYLOAD_TOO_LARGE', message, {
    details: [{ pointer, code: 'PAYLOAD_TOO_LARGE', message }],
  });
}
