import { compileTransformer } from '../asl/index.js';
import {
  createTransformer,
  type Database,
  deleteTransformer,
  findTransformer,
  listTransformers,
} from '../store/index.js';
import type { TransformerOperations } from './chaining-types.js';
import type { Deps } from './deps.js';
import { OperationError, refusal } from './errors.js';
import { guarded } from './guarded.js';
import { pageQuery } from './pages.js';
import { checkLine, checkText } from './payloads.js';

export function createTransformerOperations({ database: { pool } }: Deps): TransformerOperations {
  return {
    create: guarded(async ({ name, expression, description }) => {
      if (!NAME.test(name)) {
        throw refusal(
          'INVALID_NAME',
          '/name',
          "A name has a letter, then letters, digits, '-' and '_', at most 80.",
        );
      }
      checkExpression(expression, '/expression');
      checkLine(description, DESCRIPTION_MAX, '/description');
      const asked = { name, expression, description: description ?? null };
      const { created, ...transformer } = await createTransformer(pool, asked);
      if (transformer.expression !== asked.expression || transformer.description !== asked.description) {
        throw refusal(
          'TRANSFORMER_EXISTS',
          '/name',
          `There is a transformer '${name}' already, which is another; delete it first.`,
        );
      }
      return { created, transformer };
    }),

    list: guarded((request) => listTransformers(pool, pageQuery(request))),

    get: guarded(async (name) => {
      const found = await findTransformer(pool, name);
      if (found === undefined) throw new OperationError('TRANSFORMER_NOT_FOUND', sayUnknown(name));
      return found;
    }),

    remove: guarded(async (name) => {
      if (!(await deleteTransformer(pool, name)))
        throw new OperationError('TRANSFORMER_NOT_FOUND', sayUnknown(name));
      return { name };
    }),
  };
}

/**
 * The expression that a request means: a text that could be a transformer's name is one, `{% … %}` and anything else is
 * an expression. So a name with a typing error is told, and not taken for JSONata (`a-b` is both).
 * @throws OperationError TRANSFORMER_NOT_FOUND, INVALID_TRANSFORMER
 */
export async function expressionOf(
  { pool }: Database,
  text: string | undefined,
  pointer: string,
): Promise<string | undefined> {
  if (text === undefined) return undefined;
  if (!NAME.test(text)) {
    checkExpression(text, pointer);
    return text;
  }
  const found = await findTransformer(pool, text);
  if (found !== undefined) return found.expression;
  throw refusal(
    'TRANSFORMER_NOT_FOUND',
    pointer,
    `${sayUnknown(text)} If it is meant as an expression, write {% ${text} %}.`,
  );
}

const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,79}$/;
const EXPRESSION_MAX = 32_768;
const DESCRIPTION_MAX = 1000;

function checkExpression(text: string, pointer: string): void {
  checkLine(text, EXPRESSION_MAX, pointer);
  checkText(text, pointer, 'INVALID_TRANSFORMER');
  const parsed = compileTransformer(text);
  if (parsed.ok) return;
  const where = parsed.position === undefined ? '' : ` (at character ${parsed.position})`;
  throw refusal(
    'INVALID_TRANSFORMER',
    pointer,
    `The expression is not JSONata: ${parsed.message.replace(/\.$/, '')}${where}.`,
  );
}

function sayUnknown(name: string): string {
  return `There is no transformer '${name}'.`;
}
