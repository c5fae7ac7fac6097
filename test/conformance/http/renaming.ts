/** Cases that run side by side in one service must not share what it keeps by name. */
import type { Json } from '../../../src/std/json.js';
import { activityArnsIn } from '../activities.js';
import type { Case } from '../corpus.js';

/** AWS's limit of a name. */
const NAME_MAX = 80;

/**
 * The case with its functions, activities and other machines under names that only it has, wherever its text
 * has them: what it defines and sends, and what is expected.
 */
export function renamed(one: Case, suffix: string): Case {
  const names = [
    ...Object.keys(one.lambdas ?? {}),
    ...Object.keys(one.stateMachines ?? {}),
    ...activityArnsIn(one).map((arn) => arn.replace(/^.*:/, '')),
  ];
  if (names.length === 0) return one;
  // The longest first: a name may begin as another does.
  const alternatives = [...new Set(names)].sort((a, b) => b.length - a.length).map(escaped);
  const pattern = new RegExp(`(?<![\\w-])(?:${alternatives.join('|')})(?![\\w-])`, 'g');
  const rename = (text: string): string =>
    text.replace(pattern, (name) => `${name.slice(0, NAME_MAX - suffix.length)}${suffix}`);
  const { id, category, kind, workers, ...rest } = one;
  // Only texts change, so it has the shape that it had; and it stays the case that it is.
  const inside = renameIn(rest as unknown as Json, rename) as unknown as Case;
  return { ...inside, id, category, kind, ...(workers !== undefined && { workers }) };
}

function renameIn(value: Json, rename: (text: string) => string): Json {
  if (typeof value === 'string') return rename(value);
  if (Array.isArray(value)) return value.map((item) => renameIn(item, rename));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [rename(key), renameIn(item, rename)]),
  );
}

function escaped(name: string): string {
  return name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
