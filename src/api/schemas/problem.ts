import { type Static, Type } from 'typebox';
import { API_ERRORS, type ApiErrorCode } from '../codes.js';
import { oneOf } from './json.js';

const codes = Object.keys(API_ERRORS).filter(isCode);

/** The body of every answer that is not a success. */
const ProblemBody = Type.Object(
  {
    statusCode: Type.Integer({ description: 'The HTTP status, again.' }),
    code: oneOf(codes, {
      title: 'ErrorCode',
      description: codes
        .map((code) => `- \`${code}\` (${API_ERRORS[code].statusCode}): ${API_ERRORS[code].meaning}`)
        .join('\n'),
    }),
    error: Type.String({ description: "The status in HTTP's words." }),
    message: Type.String({ description: 'A sentence that says where and why.' }),
    details: Type.Array(
      Type.Object({
        pointer: Type.String({
          description: "JSON Pointer into the body, the query or the definition; '' is the whole.",
        }),
        code: Type.String({ description: 'What kind of complaint it is.' }),
        message: Type.String({ description: 'What was found and what was expected.' }),
      }),
      { description: 'Every complaint, where there can be several.' },
    ),
  },
  {
    title: 'Error',
    examples: [
      {
        statusCode: 404,
        code: 'STATE_MACHINE_NOT_FOUND',
        error: 'Not Found',
        message: "There is no state machine 'orders'.",
        details: [],
      },
    ],
  },
);

type ProblemBody = Static<typeof ProblemBody>;

/** What every route may refuse before it is asked. */
const ALWAYS = [
  'MALFORMED_REQUEST',
  'VALIDATION_FAILED',
  'HOST_NOT_ALLOWED',
  'REQUEST_TIMEOUT',
  'HEADERS_TOO_LARGE',
  'INTERNAL',
] as const satisfies readonly ApiErrorCode[];

/** What every route that needs a key may refuse. */
const GUARDED = ['UNAUTHORIZED', 'OVERLOADED'] as const satisfies readonly ApiErrorCode[];
/** What every route that asks the database may refuse. */
export const STORED = [...GUARDED, 'DATABASE_UNAVAILABLE'] as const;
/** What every method that can have a body may refuse, also where none is expected. */
export const WITH_BODY = [
  'INVALID_JSON',
  'INVALID_INPUT',
  'PAYLOAD_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
] as const satisfies readonly ApiErrorCode[];

/** The `response` schemas of a route's refusals, by status: what it may refuse, and what every route may. */
export function refusals(...groups: readonly (readonly ApiErrorCode[])[]) {
  const chosen = new Set<ApiErrorCode>([...ALWAYS, ...groups.flat()]);
  const statuses = new Set(
    codes.filter((code) => chosen.has(code)).map((code) => API_ERRORS[code].statusCode),
  );
  return Object.fromEntries([...statuses].map((status) => [status, refusal(status, chosen)]));
}

function refusal(status: number, chosen: ReadonlySet<ApiErrorCode>) {
  const those = codes.filter((code) => chosen.has(code) && API_ERRORS[code].statusCode === status);
  return Type.Unsafe<ProblemBody>({
    'x-response-description': those.map((code) => `\`${code}\`: ${API_ERRORS[code].meaning}`).join('\n\n'),
    allOf: [ProblemBody, { properties: { code: { enum: those } } }],
  });
}

function isCode(name: string): name is ApiErrorCode {
  return Object.hasOwn(API_ERRORS, name);
}
