import { type Static, Type } from 'typebox';
import type { JsonObject } from '../../std/json.js';
import { instant, nullable, oneOf, strict } from './json.js';
import { PageQuery, pageOf } from './page.js';

const TYPES = ['NONE', 'API_KEY', 'BASIC', 'OAUTH_CLIENT_CREDENTIALS'] as const;

const text = (description: string, maxLength = 4096) => Type.String({ minLength: 1, maxLength, description });

/** What a complaint does not repeat. */
const secret = (description: string) =>
  Type.String({ minLength: 1, maxLength: 16_384, writeOnly: true, description });

const texts = (description: string, options: object = { writeOnly: true }) =>
  Type.Unsafe<JsonObject>({ type: 'object', additionalProperties: true, description, ...options });

export const ConnectionParams = Type.Object({
  name: Type.String({ description: 'The connection.', examples: ['stripe'] }),
});

const settings = {
  type: oneOf(TYPES, {
    description:
      'How requests show who sends them; the object of the same name says with what. NONE: they do not.',
    examples: ['API_KEY'],
  }),
  description: Type.Optional(
    nullable(Type.String({ maxLength: 512 }), { description: 'For people.', examples: ['Payments, live'] }),
  ),
  apiKey: Type.Optional(
    strict(
      { name: text("The header's name.", 256), value: secret('The key.') },
      {
        writeOnly: true,
        description: 'Of the type API_KEY: a header.',
        examples: [{ name: 'X-Api-Key', value: 's3cret' }],
      },
    ),
  ),
  basic: Type.Optional(
    strict(
      { username: text('Who.', 512), password: secret('The password.') },
      {
        writeOnly: true,
        description: 'Of the type BASIC.',
        examples: [{ username: 'orders', password: 's3cret' }],
      },
    ),
  ),
  oauth: Type.Optional(
    strict(
      {
        tokenUrl: text('Where access tokens are asked for.', 2048),
        clientId: text("The client's id."),
        clientSecret: secret("The client's secret."),
        clientAuthentication: Type.Optional(
          oneOf(['BASIC', 'BODY'], {
            default: 'BASIC',
            description: 'How id and secret are sent: in an Authorization header, or in the body.',
          }),
        ),
        scope: Type.Optional(text('The scopes, with blanks between them.')),
        parameters: Type.Optional(texts("Texts by name: what the token's server wants besides.")),
      },
      {
        writeOnly: true,
        description:
          'Of the type OAUTH_CLIENT_CREDENTIALS. Tokens are kept until shortly before they run out, and asked for anew when one is refused.',
      },
    ),
  ),
  parameters: Type.Optional(
    strict(
      {
        headers: Type.Optional(texts('Texts by name.')),
        query: Type.Optional(texts('Texts by name.')),
        body: Type.Optional(texts('Members of the body.')),
      },
      {
        writeOnly: true,
        description: 'Added to every request, in place of what the task says. Kept as secret as the rest.',
      },
    ),
  ),
  hosts: Type.Optional(
    Type.Array(text('A host, with its port if that is not the usual one.', 300), {
      maxItems: 100,
      description: 'The only hosts that it is sent to; none: any.',
      examples: [['api.stripe.com']],
    }),
  ),
};

export const CreateConnectionBody = strict(
  {
    name: Type.String({
      minLength: 1,
      maxLength: 64,
      description: "1 to 64 letters, digits, '.', '-' and '_'.",
      examples: ['stripe'],
    }),
    ...settings,
  },
  { title: 'CreateConnection' },
);

export const ReplaceConnectionBody = strict(settings, { title: 'ReplaceConnection' });

export const ConnectionBody = Type.Object(
  {
    name: Type.String({ description: 'Its name.', examples: ['stripe'] }),
    connectionArn: Type.String({
      description: "What an HTTP task's Authentication.ConnectionArn says.",
      examples: ['arn:aws:events:us-east-1:000000000000:connection/stripe'],
    }),
    type: oneOf(TYPES, { description: 'How requests show who sends them.' }),
    description: nullable(Type.String(), { description: 'For people.' }),
    settings: texts('What is not secret: who, where, and the names of what is added.', {}),
    hosts: Type.Array(Type.String(), { description: 'The only hosts that it is sent to; none: any.' }),
    createdAt: instant('When it was created.'),
  },
  { title: 'Connection' },
);
export type ConnectionBody = Static<typeof ConnectionBody>;

export const ConnectionQuery = strict({ ...PageQuery });
export const ConnectionPage = pageOf(ConnectionBody, 'ConnectionPage');
export const RemovedConnectionBody = Type.Object(
  { name: Type.String({ description: 'The connection that was deleted.' }) },
  { title: 'RemovedConnection' },
);
