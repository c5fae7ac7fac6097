/**
 * Whether PostgreSQL refused a statement for the data in it: class 22 (data exception), 23 (integrity
 * constraint), 54 (program limit). Then a part of the items might be accepted without the others.
 */
export function isItemFault(error: unknown): boolean {
  const code = sqlState(error);
  return code !== undefined && /^(22|23|54)/.test(code);
}

/**
 * Whether PostgreSQL rolled a statement back for a reason that passes: deadlock or serialisation (class 40),
 * out of resources (53), a lock or the time that it had (55P03, 57014), its own system (58).
 */
export function isPassing(error: unknown): boolean {
  const code = sqlState(error);
  return code !== undefined && /^(40...|53...|55P03|57014|58...)$/.test(code);
}

/** SQLSTATE 23505: a unique constraint. */
export function isDuplicate(error: unknown): boolean {
  return sqlState(error) === '23505';
}

function sqlState(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
