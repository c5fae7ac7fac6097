import { Type } from 'typebox';
import { anyJson, instant, nullable, strict } from './json.js';
import { PageQuery, pageOf } from './page.js';

export const MessageBody = strict(
  {
    correlationKey: Type.String({
      minLength: 1,
      maxLength: 1024,
      description: "The state's CorrelationKey.",
      examples: ['payment'],
    }),
    correlationValue: anyJson({
      description:
        'What the state found at its CorrelationValuePath: compared as JSON, whatever the order of members.',
      examples: ['order-4711'],
    }),
    data: anyJson({ description: 'The message.', examples: [{ paid: true }] }),
    ttlSeconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 2_592_000,
        default: 3600,
        description: 'How long it is kept when nobody waits for it yet; 0: not at all.',
      }),
    ),
  },
  { title: 'Message' },
);

export const MessageAnswerBody = Type.Object(
  {
    delivered: Type.Integer({ description: 'How many waiting states it was given to.' }),
    kept: Type.Boolean({
      description: 'Nobody waited: the first that will gets it, until its time is over.',
    }),
  },
  { title: 'MessageAnswer' },
);

export const WaitingQuery = strict({ ...PageQuery });

const MessageWaitBody = Type.Object(
  {
    executionId: Type.String({ description: 'The execution that waits.' }),
    stateName: Type.String({ description: 'The Message state that waits.', examples: ['AwaitPayment'] }),
    correlationKey: Type.String({ description: 'What kind of message it waits for.', examples: ['payment'] }),
    correlationValue: Type.String({
      description: 'A string as it is, anything else as JSON text.',
      examples: ['order-4711'],
    }),
    since: instant('When it began to wait.'),
    timeoutAt: nullable(instant('When its time is up.')),
  },
  { title: 'MessageWait' },
);
export const MessageWaitPage = pageOf(MessageWaitBody, 'MessageWaitPage');
