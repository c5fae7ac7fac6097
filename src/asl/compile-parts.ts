import { compileJsonataField, compileLeaving, hasExpression } from './compile-template.js';
import type { Catcher, Limit, MapState, QueryLanguage, Retrier } from './definition.js';
import type { Fields } from './fields.js';
import { type CompiledReferencePath, parsePath, parseReferencePath } from './jsonpath/index.js';

/** What states of more than one type have. */
type Common = Pick<MapState, 'name' | 'language' | 'inputPath' | 'outputPath' | 'output' | 'assign'>;

export function common(name: string, fields: Fields, language: QueryLanguage): Common {
  const inputPath = fields.textOrNull('InputPath');
  const outputPath = fields.textOrNull('OutputPath');
  return {
    name,
    language,
    inputPath: typeof inputPath === 'string' ? parsePath(inputPath) : inputPath,
    outputPath: typeof outputPath === 'string' ? parsePath(outputPath) : outputPath,
    ...compileLeaving(fields, language),
  };
}

export function transition(fields: Fields): { next: string | undefined } {
  return { next: fields.text('Next') };
}

export function shaping(fields: Fields): { resultPath: CompiledReferencePath | null | undefined } {
  const resultPath = fields.textOrNull('ResultPath');
  return { resultPath: typeof resultPath === 'string' ? parseReferencePath(resultPath) : resultPath };
}

export function retried(fields: Fields, language: QueryLanguage): { retry: Retrier[]; catch: Catcher[] } {
  return {
    retry: fields.objects('Retry').map(compileRetrier),
    catch: fields.objects('Catch').map((catcher, index) => compileCatcher(catcher, language, index)),
  };
}

/** The defaults are the spec's: one second, three retries, doubling. */
function compileRetrier(fields: Fields): Retrier {
  return {
    errorEquals: fields.texts('ErrorEquals'),
    intervalSeconds: fields.number('IntervalSeconds') ?? 1,
    maxAttempts: fields.number('MaxAttempts') ?? 3,
    backoffRate: fields.number('BackoffRate') ?? 2,
    maxDelaySeconds: fields.number('MaxDelaySeconds'),
    jitterStrategy: fields.text('JitterStrategy') === 'FULL' ? 'FULL' : 'NONE',
  };
}

function compileCatcher(fields: Fields, language: QueryLanguage, index: number): Catcher {
  return {
    errorEquals: fields.texts('ErrorEquals'),
    language,
    next: fields.needText('Next'),
    ...shaping(fields),
    ...compileLeaving(fields, language, `Catch[${String(index)}]/`),
  };
}

/** A number, or what gives one. `at`: where it stands in the state, `ItemBatcher/`. */
export function limit(fields: Fields, language: QueryLanguage, name: string, at = ''): Limit | undefined {
  if (hasExpression(fields, language, name)) return compileJsonataField(fields, name, `${at}${name}`);
  return fields.number(name) ?? referencePath(fields, `${name}Path`);
}

export function referencePath(fields: Fields, name: string): CompiledReferencePath | undefined {
  const text = fields.text(name);
  return text === undefined ? undefined : parseReferencePath(text);
}
