import { type TSchema, Type } from 'typebox';

/** The two query parameters that every list has. */
export const PageQuery = {
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1000,
      default: 50,
      description: 'The most items that a page may have.',
    }),
  ),
  cursor: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1000,
      description: 'The `nextCursor` of the page before, from the same list with the same filter.',
    }),
  ),
};

/** A page of a list, by keyset: what is inserted meanwhile neither repeats nor hides an item. */
export function pageOf<T extends TSchema>(items: T, title: string) {
  return Type.Object(
    {
      items: Type.Array(items, { description: 'What the page has, in the order of the list.' }),
      nextCursor: Type.Unsafe<string | null>({
        type: ['string', 'null'],
        description: 'Give it as `cursor` to get the next page; null on the last one.',
      }),
    },
    { title },
  );
}
