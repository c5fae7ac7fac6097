import { common, limit, referencePath, retried, shaping, transition } from './compile-parts.js';
import { compileJsonataField, hasExpression, jsonataTemplate, payloadTemplate } from './compile-template.js';
import type { MessageState, QueryLanguage } from './definition.js';
import type { Fields } from './fields.js';
import { parsePath } from './jsonpath/index.js';

/** Compiles a validated Message state. */
export function compileMessage(name: string, fields: Fields, language: QueryLanguage): MessageState {
  const messagePath = fields.text('MessagePath');
  return {
    type: 'Message',
    ...common(name, fields, language),
    ...transition(fields),
    ...shaping(fields),
    catch: retried(fields, language).catch,
    correlationKey: hasExpression(fields, language, 'CorrelationKey')
      ? compileJsonataField(fields, 'CorrelationKey')
      : fields.needText('CorrelationKey'),
    correlationValue:
      language === 'JSONata'
        ? jsonataTemplate(fields, 'CorrelationValue')
        : referencePath(fields, 'CorrelationValuePath'),
    messagePath: messagePath === undefined ? undefined : parsePath(messagePath),
    resultSelector: payloadTemplate(fields, 'ResultSelector'),
    timeoutSeconds: limit(fields, language, 'TimeoutSeconds'),
    timeoutNext: fields.text('TimeoutPath'),
  };
}
