/** ISO 8601 in UTC, with milliseconds. */
export function iso(at: Date): string {
  return at.toISOString();
}

export function isoOrNull(at: Date | null): string | null {
  return at === null ? null : at.toISOString();
}

interface Range {
  startedAfter?: string;
  startedBefore?: string;
}

/** A filter with its times read; validation has seen that they are times. */
export function withRange<T extends Range>({ startedAfter, startedBefore, ...rest }: T) {
  return {
    ...rest,
    ...(startedAfter !== undefined && { startedAfter: new Date(startedAfter) }),
    ...(startedBefore !== undefined && { startedBefore: new Date(startedBefore) }),
  };
}
