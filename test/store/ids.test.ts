import { describe, expect, test } from '@jest/globals';
import { firstIdAt, isUuid, newId } from '../../src/store/ids.js';

describe('ids', () => {
  test('are version 7 UUIDs, each greater than the one before, also within a millisecond and when the clock goes back', () => {
    const now = Date.now();
    const ids = Array.from({ length: 20_000 }, (_, index) => newId(now - (index % 3)));
    for (const [index, id] of ids.entries()) {
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      if (index > 0 && !(id > (ids[index - 1] ?? '')))
        throw new Error(`${ids[index - 1]} was followed by ${id}`);
    }
  });

  test('carry the time at which they were made', () => {
    const later = Date.now() + 60_000;
    expect(Number.parseInt(newId(later).replaceAll('-', '').slice(0, 12), 16)).toBe(later);
    expect(newId(later + 5) > firstIdAt(later + 5)).toBe(true);
    expect(newId(later + 9) < firstIdAt(later + 10)).toBe(true);
    for (const ms of [-1, 0, 8.64e15]) expect(isUuid(firstIdAt(ms))).toBe(true);
  });

  test('are told from other text', () => {
    expect(isUuid(newId())).toBe(true);
    expect(isUuid(newId().toUpperCase())).toBe(true);
    for (const text of ['', 'x', `${newId()} `, `{${newId()}}`, newId().replaceAll('-', '')])
      expect(isUuid(text)).toBe(false);
  });
});
