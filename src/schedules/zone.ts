/**
 * What the clocks of a time zone show, and when they show it. The rules are those of the time zone database that came
 * with Node.
 */

export interface Zone {
  /** How far its clocks are ahead of UTC at an instant, in ms. */
  offsetAt(atMs: number): number;
}

/** A zone by its IANA name; undefined: there is none of this name. */
export function zoneOf(name: string): Zone | undefined {
  const known = zones.get(name);
  if (known !== undefined) return known;
  const format = formatOf(name);
  if (format === undefined) return undefined;
  const zone: Zone = { offsetAt: (atMs) => shownBy(format, atMs) - Math.floor(atMs / 1000) * 1000 };
  // Names that people may write are some hundreds, in either case; nobody shall fill the memory with them.
  if (zones.size >= ZONES_MAX) zones.clear();
  zones.set(name, zone);
  return zone;
}

/**
 * When the clocks first change between two instants, to the millisecond; undefined: they show the same offset at both.
 * Between the two there is at most one change.
 */
export function changeBetween(zone: Zone, fromMs: number, toMs: number): number | undefined {
  const before = zone.offsetAt(fromMs);
  if (zone.offsetAt(toMs) === before) return undefined;
  let low = fromMs;
  let high = toMs;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (zone.offsetAt(middle) === before) low = middle;
    else high = middle;
  }
  return high;
}

const zones = new Map<string, Zone>();
const ZONES_MAX = 1_000;

function formatOf(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    // The one way to ask whether there is such a zone.
    return undefined;
  }
}

/** What the zone's clocks show, read as if it were UTC, in whole seconds. */
function shownBy(format: Intl.DateTimeFormat, atMs: number): number {
  const shown: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
  for (const { type, value } of format.formatToParts(atMs)) shown[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}
