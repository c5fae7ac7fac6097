/** A case as a caller of the service runs it: create, start, wait, read. */
import { createArns } from '../../../src/engine/index.js';
import { isObject, type Json, type JsonObject } from '../../../src/std/json.js';
import { activityArnsIn } from '../activities.js';
import type { Got } from '../compare.js';
import { type Case, isExpress } from '../corpus.js';
import type { Complaint, Judgement, Through } from '../through.js';
import { work } from './activity-worker.js';
import { bodyOf, type Client } from './client.js';

/** How a case is run here. */
export interface Place {
  /** The id of the state machine that only it has. */
  stateMachineId: string;
  /** What it takes by itself. */
  expectedMs: number;
}

export function overHttp(client: Client, placeOf: (one: Case) => Place): Through {
  return {
    order: 'byBranch',
    judge: (one) =>
      one.kind === 'create-error'
        ? create(client, placeOf(one).stateMachineId, machineOf(one))
        : validate(client, one),
    execute: async (one) => {
      const place = placeOf(one);
      for (const arn of activityArnsIn(one))
        bodyOf(await client.post('/activities', JSON.stringify({ name: nameIn(arn) })));
      for (const [id, { definition, type }] of Object.entries(one.stateMachines ?? {})) {
        const { errors } = await create(client, id, { definition, type: type ?? 'STANDARD' });
        if (errors.length > 0) return { kind: 'refused', errors };
      }
      const { errors } = await create(client, place.stateMachineId, machineOf(one));
      return errors.length > 0
        ? { kind: 'refused', errors }
        : { kind: 'ran', got: await run(client, place, one) };
    },
  };
}

interface Definition {
  definition: Json;
  type: string;
}

function machineOf(one: Case): Definition {
  return {
    definition: one.definitionText ?? one.definition ?? '',
    type: isExpress(one) ? 'EXPRESS' : 'STANDARD',
  };
}

/** Its executions wait in a queue that is there, since one for each of some hundred machines is of no use here. */
async function create(client: Client, id: string, machine: Definition): Promise<Judgement> {
  const answer = await client.post(
    '/state-machines',
    JSON.stringify({ id, name: id, ...machine, queue: 'default', roleArn: 'snf_role_arn' }),
  );
  const { status, body } = answer;
  if (status === 400 && isObject(body) && body['code'] === 'INVALID_DEFINITION') {
    const errors = (body['details'] as unknown as Omit<Complaint, 'severity'>[]).map((detail) => ({
      severity: 'ERROR' as const,
      ...detail,
    }));
    return { diagnostics: errors, errors };
  }
  bodyOf(answer);
  return { diagnostics: [], errors: [] };
}

async function validate(client: Client, one: Case): Promise<Judgement> {
  const answer = bodyOf(await client.post('/state-machines/validate', JSON.stringify(machineOf(one))));
  const diagnostics = answer['diagnostics'] as unknown as Complaint[];
  const errors = diagnostics.filter(({ severity }) => severity === 'ERROR');
  if ((answer['result'] === 'FAIL') !== errors.length > 0)
    throw new Error(`the result is ${String(answer['result'])}, with ${String(errors.length)} errors`);
  return { diagnostics, errors };
}

async function run(
  client: Client,
  { stateMachineId, expectedMs }: Place,
  one: Case,
): Promise<Got & { elapsedMs: number }> {
  const over = new AbortController();
  const workers = activityArnsIn(one).flatMap((arn) =>
    (one.workers ?? []).map((worker) => work(client, nameIn(arn), worker, over.signal)),
  );
  // A worker that cannot do its part is known before the execution has waited for it in vain.
  const fault = new Promise<never>((_, reject) => {
    for (const worker of workers) worker.catch(reject);
  });
  try {
    const deadline = Date.now() + expectedMs + PATIENCE_MS;
    const started = start(client, stateMachineId, one);
    const end = started.then((execution) => awaitEnd(client, one, execution, deadline));
    const execution = await Promise.race([end, fault]);
    return await answerOf(client, one, execution);
  } finally {
    over.abort();
    await Promise.allSettled(workers);
  }
}

async function start(client: Client, stateMachineId: string, one: Case): Promise<JsonObject> {
  const members = [
    ...(one.startParams?.name === undefined ? [] : [`"name":${JSON.stringify(one.startParams.name)}`]),
    ...(one.inputOmitted ? [] : [`"input":${one.inputText ?? JSON.stringify(one.input ?? {})}`]),
  ];
  const wait = hasEnd(one) ? WAIT_SECONDS : 0;
  const path = `/state-machines/${stateMachineId}/executions?wait=${String(wait)}`;
  return bodyOf(await client.post(path, `{${members.join(',')}}`));
}

/** One that was recorded before its end is waited for no longer than its recording. */
async function awaitEnd(
  client: Client,
  one: Case,
  started: JsonObject,
  deadline: number,
): Promise<JsonObject> {
  const path = `/executions/${String(started['executionId'])}`;
  let execution = started;
  while (execution['status'] === 'RUNNING' && Date.now() < deadline) {
    if (!hasEnd(one)) {
      const recorded = one.expected.events?.length ?? 0;
      if ((await historyOf(client, path)).length >= recorded) break;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    execution = bodyOf(await client.get(path));
  }
  return execution;
}

function hasEnd({ expected }: Case): boolean {
  return typeof expected.status === 'string';
}

/** For the service, beyond what the execution takes. */
const PATIENCE_MS = 60_000;

/** The API's own limit is a minute; a case that is waited for longer is asked after again. */
const WAIT_SECONDS = 60;
const POLL_MS = 250;

async function answerOf(
  client: Client,
  one: Case,
  execution: JsonObject,
): Promise<Got & { elapsedMs: number }> {
  const [id, machine] = [String(execution['executionId']), String(execution['stateMachineId'])];
  const name = String(execution['name']);
  const status = String(execution['status']);
  const began = Date.parse(String(execution['startTime']));
  const ended = execution['endTime'] === null ? Date.now() : Date.parse(String(execution['endTime']));
  return {
    executionArn: isExpress(one) ? ARNS.express(machine, name, id) : ARNS.execution(machine, name),
    stateMachineArn: ARNS.stateMachine(machine),
    name,
    input: execution['input'] ?? null,
    status,
    output: status === 'SUCCEEDED' ? (execution['output'] ?? null) : undefined,
    error: textOrNone(execution['error']),
    cause: textOrNone(execution['cause']),
    events: await historyOf(client, `/executions/${id}`),
    elapsedMs: ended - began,
  };
}

/** As the service's defaults have them. */
const ARNS = createArns({ region: 'us-east-1', accountId: '000000000000' });

async function historyOf(client: Client, path: string): Promise<JsonObject[]> {
  const events: JsonObject[] = [];
  let cursor: Json = null;
  do {
    const query = new URLSearchParams({ limit: '1000', ...(typeof cursor === 'string' && { cursor }) });
    const page = bodyOf(await client.get(`${path}/history?${query.toString()}`));
    for (const { timestamp: _, ...event } of page['items'] as JsonObject[]) events.push(event);
    cursor = page['nextCursor'] ?? null;
  } while (cursor !== null);
  return events;
}

function textOrNone(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function nameIn(arn: string): string {
  return arn.replace(/^.*:/, '');
}
