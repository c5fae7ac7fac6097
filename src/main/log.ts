import { type Logger, pino } from 'pino';

/** The process's log: JSON lines on standard output. */
export function createLog(level: string, processName: string): Logger {
  return pino({
    level,
    base: { process: processName, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
  });
}
