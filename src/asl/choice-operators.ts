import type { OperandType, Relation, TypeTest } from './choice.js';

/** What an operator's field says: which values it compares, how, and whether the other is looked up by a path. */
export type ChoiceOperator =
  | { kind: 'type'; type: TypeTest }
  | { kind: 'matches' }
  | { kind: 'compare'; operands: OperandType; relation: Relation; byPath: boolean };

/** The comparison operator of that name, if there is one (https://states-language.net/spec.html#choice-state). */
export function findOperator(field: string): ChoiceOperator | undefined {
  return OPERATORS.get(field);
}

const ORDERED: readonly Relation[] = [
  'Equals',
  'LessThan',
  'GreaterThan',
  'LessThanEquals',
  'GreaterThanEquals',
];

const RELATIONS: readonly (readonly [OperandType, readonly Relation[]])[] = [
  ['String', ORDERED],
  ['Numeric', ORDERED],
  ['Boolean', ['Equals']],
  ['Timestamp', ORDERED],
];

const TYPE_TESTS: readonly TypeTest[] = [
  'IsNull',
  'IsPresent',
  'IsNumeric',
  'IsString',
  'IsBoolean',
  'IsTimestamp',
];

const OPERATORS: ReadonlyMap<string, ChoiceOperator> = new Map<string, ChoiceOperator>([
  ...RELATIONS.flatMap(([operands, relations]) =>
    relations.flatMap((relation): [string, ChoiceOperator][] => [
      [`${operands}${relation}`, { kind: 'compare', operands, relation, byPath: false }],
      [`${operands}${relation}Path`, { kind: 'compare', operands, relation, byPath: true }],
    ]),
  ),
  ...TYPE_TESTS.map((type): [string, ChoiceOperator] => [type, { kind: 'type', type }]),
  ['StringMatches', { kind: 'matches' }],
]);
