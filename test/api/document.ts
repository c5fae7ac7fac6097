import { Compile } from 'typebox/schema';
import { describeApi } from '../../src/api/index.js';

/** A JSON Schema as the document has it. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: string[];
  anyOf?: Schema[];
  format?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: boolean | Schema;
}

interface Media {
  schema: Schema;
}

export interface Operation {
  method: string;
  path: string;
  operationId: string;
  parameters: { name: string; in: string; required: boolean; schema: Schema }[];
  requestBody?: { required: boolean; content: Record<string, Media> };
  responses: Record<string, { $ref?: string; content?: Record<string, Media> }>;
}

export interface ApiDocument {
  operations: Operation[];
  /** What a reference leads to. */
  resolve(schema: Schema): Schema;
  /** Why this answer is not one that the document promises; undefined: it is. */
  complaintAbout(operation: Operation, status: number, body: unknown): string | undefined;
}

/** The OpenAPI document, as tests use it. */
export async function loadDocument(): Promise<ApiDocument> {
  const { paths, components } = JSON.parse(await describeApi());
  // An answer has exactly the members that the document tells of.
  for (const schema of Object.values<Schema>(components.schemas)) {
    if (schema.properties !== undefined) schema.additionalProperties ??= false;
  }
  const operations: Operation[] = Object.entries<Record<string, Operation>>(paths).flatMap(
    ([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        ...operation,
        method: method.toUpperCase(),
        path,
        parameters: operation.parameters ?? [],
      })),
  );
  const validators = new Map<string, ReturnType<typeof Compile>>();
  const follow = (ref: string) =>
    ref
      .split('/')
      .slice(2)
      .reduce((value, key) => value[key], components);

  return {
    operations,
    resolve: (schema) => (schema.$ref === undefined ? schema : follow(schema.$ref)),
    complaintAbout: (operation, status, body) => {
      const response = operation.responses[status];
      if (response === undefined) return `${operation.operationId} does not document ${status}`;
      const key = `${operation.operationId} ${status}`;
      if (status === 204) {
        return body === undefined || JSON.stringify(body) === '{}' ? undefined : `${key} has a body`;
      }
      let validator = validators.get(key);
      if (validator === undefined) {
        const resolved = response.$ref === undefined ? response : follow(response.$ref);
        const schema = resolved.content?.['application/json']?.schema;
        if (schema === undefined) return `${key} has no schema`;
        validator = Compile({ ...schema, components });
        validators.set(key, validator);
      }
      if (validator.Check(body)) return undefined;
      return `${key}: ${JSON.stringify(validator.Errors(body)[1])} in ${JSON.stringify(body)}`;
    },
  };
}
