import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { API_ERRORS, describeApi } from '../../src/api/index.js';

interface Operation {
  operationId: string;
  summary: string;
  tags: string[];
  security?: unknown[];
  parameters?: { name: string; in: string; description?: string }[];
  requestBody?: { required: boolean; content: Record<string, { schema: { $ref?: string } }> };
  responses: Record<string, { $ref?: string; description?: string }>;
}

interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, unknown>; responses: Record<string, unknown> };
}

let text: string;
let document: Document;
let operations: [name: string, operation: Operation][];
beforeAll(async () => {
  text = await describeApi();
  document = JSON.parse(text);
  operations = Object.entries(document.paths).flatMap(([url, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method.toUpperCase()} ${url}`,
      operation,
    ]),
  );
});

describe('the OpenAPI document', () => {
  test('is the one that is checked in (npm run openapi prints it anew)', async () => {
    const file = path.join(import.meta.dirname, '../../openapi/openapi.json');
    expect(text).toBe(await readFile(file, 'utf8'));
  });

  test('has exactly the routes of the product', () => {
    expect(operations.map(([name]) => name).sort()).toEqual(ROUTES);
  });

  test('tells of every operation what it is, and of every parameter', () => {
    for (const [name, operation] of operations) {
      expect([name, operation.operationId, operation.summary, operation.tags]).toEqual([
        name,
        expect.stringMatching(/^[a-z][A-Za-z]+$/),
        expect.stringMatching(/^[A-Z].{8,}[^.]$/),
        [expect.any(String)],
      ]);
      for (const parameter of operation.parameters ?? []) {
        expect([name, parameter.name, parameter.description]).toEqual([
          name,
          parameter.name,
          expect.stringMatching(/.{5,}/),
        ]);
      }
    }
    const ids = operations.map(([, operation]) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('tells of every member of every body what it is', () => {
    const silent = Object.entries(document.components.schemas).flatMap(([name, schema]) =>
      membersOf(schema, name).flatMap(([place, member]) =>
        '$ref' in member || 'description' in member ? [] : [place],
      ),
    );
    expect(silent).toEqual([]);
  });

  test('has every code, and of every operation those that it may answer with', () => {
    const schema = document.components.schemas['ErrorCode'];
    expect(schema).toMatchObject({ enum: Object.keys(API_ERRORS) });
    const used = new Set<string>();
    for (const [name, operation] of operations) {
      const codes = codesOf(operation, document);
      for (const code of codes) used.add(code);
      expect([name, ...codes]).toEqual(expect.arrayContaining(['VALIDATION_FAILED', 'INTERNAL']));
      expect(codes.includes('UNAUTHORIZED')).toBe(operation.security === undefined);
      expect(codes.includes('UNSUPPORTED_MEDIA_TYPE')).toBe(!name.startsWith('GET '));
    }
    // These two belong to no route; the document tells of them in its description.
    const unused = Object.keys(API_ERRORS).filter((code) => !used.has(code));
    expect(unused.sort()).toEqual(['METHOD_NOT_ALLOWED', 'ROUTE_NOT_FOUND']);
    for (const code of unused) expect(text).toContain(`\`${code}\``);
  });

  test('has no reference that leads nowhere, and no component that nobody needs', () => {
    const references = new Set(
      [...text.matchAll(/"\$ref": "#\/components\/(\w+\/[\w.]+)"/g)].map(([, to]) => to),
    );
    const components = [
      ...Object.keys(document.components.schemas).map((name) => `schemas/${name}`),
      ...Object.keys(document.components.responses).map((name) => `responses/${name}`),
    ];
    expect([...references].sort()).toEqual(components.sort());
    expect(text).not.toContain('Default Response');
    expect(text).not.toContain('x-body-optional');
  });

  test('says which bodies may be left out', () => {
    const optional = operations.filter(([, { requestBody }]) => requestBody?.required === false);
    expect(optional.map(([, { operationId }]) => operationId)).toEqual([
      'startExecution',
      'stopExecution',
      'redriveExecution',
      'pauseExecution',
      'resumeExecution',
      'sendTaskFailure',
    ]);
  });
});

/** The members of a schema and of what is in it, each with its place. */
function membersOf(schema: unknown, place: string): [place: string, member: object][] {
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]): [string, object][] => {
    if (key === 'examples') return [];
    if (key !== 'properties') return membersOf(value, place);
    return Object.entries(value as Record<string, object>).flatMap(([name, member]): [string, object][] => [
      [`${place}.${name}`, member],
      ...membersOf(member, `${place}.${name}`),
    ]);
  });
}

function codesOf(operation: Operation, { components }: Document): string[] {
  return Object.values(operation.responses).flatMap((response) => {
    const name = response.$ref?.replace('#/components/responses/', '');
    const resolved = JSON.stringify(name === undefined ? response : components.responses[name]);
    const codes = /"code":\{"enum":\[(.*?)\]/.exec(resolved)?.[1];
    return codes === undefined ? [] : codes.split(',').map((code) => code.replaceAll('"', ''));
  });
}

const ROUTES = [
  'DELETE /activities/{name}',
  'DELETE /batches/{batchId}',
  'DELETE /connections/{name}',
  'DELETE /executions/{executionId}',
  'DELETE /queues/{name}/dead-letters/{id}',
  'DELETE /redrives/{redriveId}',
  'DELETE /schedules/{scheduleId}',
  'DELETE /state-machines/{stateMachineId}',
  'DELETE /task-endpoints/{name}',
  'DELETE /transformers/{name}',
  'GET /activities',
  'GET /activities/{name}',
  'GET /activities/{name}/task',
  'GET /batches',
  'GET /batches/{batchId}',
  'GET /batches/{batchId}/results',
  'GET /connections',
  'GET /connections/{name}',
  'GET /executions',
  'GET /executions/count',
  'GET /executions/{executionId}',
  'GET /executions/{executionId}/history',
  'GET /executions/{executionId}/links',
  'GET /executions/{executionId}/map-runs',
  'GET /executions/{executionId}/states',
  'GET /health/live',
  'GET /health/ready',
  'GET /map-runs/{mapRunId}',
  'GET /queues/stats',
  'GET /queues/{name}/dead-letters',
  'GET /queues/{name}/dead-letters/{id}',
  'GET /redrives',
  'GET /redrives/{redriveId}',
  'GET /schedules',
  'GET /schedules/{scheduleId}',
  'GET /schedules/{scheduleId}/runs',
  'GET /state-machines',
  'GET /state-machines/{stateMachineId}',
  'GET /state-machines/{stateMachineId}/executions',
  'GET /state-machines/{stateMachineId}/executions/count',
  'GET /state-machines/{stateMachineId}/statistics',
  'GET /state-machines/{stateMachineId}/versions',
  'GET /state-machines/{stateMachineId}/waiting',
  'GET /task-endpoints',
  'GET /task-endpoints/{name}',
  'GET /transformers',
  'GET /transformers/{name}',
  'POST /activities',
  'POST /connections',
  'POST /executions/{executionId}/pause',
  'POST /executions/{executionId}/redrive',
  'POST /executions/{executionId}/resume',
  'POST /messages',
  'POST /queues/enqueue',
  'POST /queues/{name}/dead-letters/{id}/retry',
  'POST /redrives',
  'POST /schedules',
  'POST /schedules/{scheduleId}/pause',
  'POST /schedules/{scheduleId}/resume',
  'POST /schedules/{scheduleId}/run',
  'POST /state-machines',
  'POST /state-machines/validate',
  'POST /state-machines/{stateMachineId}/batch',
  'POST /state-machines/{stateMachineId}/executions',
  'POST /task-endpoints',
  'POST /task-endpoints/{name}/secret',
  'POST /task-tokens/{token}/failure',
  'POST /task-tokens/{token}/heartbeat',
  'POST /task-tokens/{token}/success',
  'POST /transformers',
  'PUT /connections/{name}',
  'PUT /schedules/{scheduleId}',
  'PUT /state-machines/{stateMachineId}',
  'PUT /task-endpoints/{name}',
];
