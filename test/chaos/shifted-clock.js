/** Loaded before a process: its wall clock is off by CLOCK_SHIFT_MS, as that of a machine that nobody sets. */
const shiftMs = Number(process.env.CLOCK_SHIFT_MS);
const RealDate = Date;
const now = () => RealDate.now() + shiftMs;

globalThis.Date = class ShiftedDate extends RealDate {
  constructor(...parts) {
    if (parts.length === 0) super(now());
    else super(...parts);
  }

  static now() {
    return now();
  }
};
Object.defineProperty(performance, 'timeOrigin', { value: performance.timeOrigin + shiftMs });
