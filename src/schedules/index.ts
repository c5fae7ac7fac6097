/** The door of the schedules: when something is due, and what is started then. Pure. */
export { CronError } from './cron.js';
export {
  type Decision,
  decide,
  LATE_MS,
  MISSED_MAX,
  type MissedPolicy,
  type OverlapPolicy,
  type Standing,
} from './decide.js';
export { nextInstant, nextInstants, type Timetable } from './timetable.js';
