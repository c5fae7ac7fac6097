import { type DestinationStream, type Logger, pino } from 'pino';

/** The process's log: JSON lines on standard output, or elsewhere. No line has a task's token in it. */
export function createLog(level: string, processName: string, to?: DestinationStream): Logger {
  const options = {
    level,
    base: { process: processName, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    hooks: { streamWrite: withoutTokens },
  };
  return to === undefined ? pino(options) : pino(options, to);
}

/**
 * Whoever has a token can end its task, and it stands in the path of `POST /task-tokens/:token/…`: wherever a line
 * quotes such a path, in a refusal or in the middle of a stack, the token is left out. Refusals quote paths as they
 * came, so what follows a segment that is percent-encoded counts as one too.
 */
function withoutTokens(line: string): string {
  return line.replace(PATH, '$1…');
}

/** Bounded, so that no line takes long to look through, whatever a handler logs. */
const PATH = /(\/[^/\s"?#]{0,32}(?:token|%[0-9a-f]{2})[^/\s"?#]{0,32}\/+)[^/\s"?#\\]+/gi;
