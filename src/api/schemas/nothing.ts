import { Type } from 'typebox';

/** An answer without a body. */
export const nothing = (description: string) =>
  Type.Unsafe<undefined>({ type: 'null', 'x-response-description': description });
