/**
 * Random workflows. Every state takes an object with a number `v` and leaves one, so that any can follow any; what a task
 * makes of it tells which tasks were called, and in which order.
 */
import type { Json, JsonObject } from '../../src/std/json.js';
import type { Plan } from './handlers.js';
import type { Random } from './random.js';
import { type Language, passing, taking } from './state-fields.js';

export interface WorkflowOptions {
  random: Random;
  deterministic: boolean;
  /** Machines that it may start, with what comes of them. */
  children: readonly Child[];
  /** Its executions are started from outside, once each, so that messages can be for them. */
  isRoot: boolean;
}

export interface Child {
  machine: string;
  /** It may fail. */
  fails: boolean;
}

export interface Workflow {
  definition: JsonObject;
  /** An error may leave it. */
  fails: boolean;
  /** Of several failures the first counts, which depends on the time. */
  races: boolean;
  /** The keys of messages that it waits for, once each. */
  messages: string[];
}

/** A sequence of states under construction. */
interface Sequence {
  states: Record<string, JsonObject>;
  first: string;
  escapes: boolean;
}

/** What is around a sequence. */
interface Around {
  depth: number;
  /** Of the machine, and, of a state, its own. */
  machine: Language;
  language: Language;
  /** Its states may be entered more than once. */
  repeats: boolean;
  variables: readonly string[];
}

export const FUNCTION = 'arn:aws:lambda:us-east-1:000000000000:function:';
const ACTIVITY = 'arn:aws:states:us-east-1:000000000000:activity:desk';
/** In the input of every execution, for Maps. */
export const ITEMS: readonly number[] = [0, 17, 34];
const MACHINE = 'arn:aws:states:us-east-1:000000000000:stateMachine:';

type Making = (maker: Maker, name: string, around: Around) => { state: JsonObject; escapes: boolean };

export function makeWorkflow(options: WorkflowOptions): Workflow {
  const { random, deterministic, isRoot } = options;
  const maker = new Maker(options);
  const language = random.chance(0.5) ? 'JSONPath' : 'JSONata';
  const around: Around = { depth: 0, machine: language, language, repeats: !isRoot, variables: [] };
  const { states, first, escapes } = maker.sequence(random.between(1, isRoot ? 5 : 3), around);
  const definition: JsonObject = { StartAt: first, States: states };
  if (language === 'JSONata') definition['QueryLanguage'] = 'JSONata';
  if (!deterministic && random.chance(0.15)) definition['TimeoutSeconds'] = random.between(3, 30);
  return { definition, fails: escapes || !deterministic, races: maker.races, messages: maker.messages };
}

class Maker {
  readonly random: Random;
  readonly deterministic: boolean;
  readonly children: readonly Child[];
  readonly messages: string[] = [];
  races = false;
  #names = 0;

  constructor({ random, deterministic, children }: WorkflowOptions) {
    this.random = random;
    this.deterministic = deterministic;
    this.children = children;
  }

  name(kind: string): string {
    return `${kind}${String(++this.#names)}`;
  }

  sequence(length: number, around: Around): Sequence {
    const { random } = this;
    const states: Record<string, JsonObject> = {};
    const names = Array.from({ length }, () => this.name('S'));
    const variables = [...around.variables];
    let escapes = false;
    for (const [n, name] of names.entries()) {
      const next = names[n + 1];
      const language = around.machine === 'JSONPath' && random.chance(0.2) ? 'JSONata' : around.machine;
      const inside = { ...around, language, variables };
      const made = this.#pick(around)(this, name, inside);
      const { state } = made;
      if (language !== around.machine) state['QueryLanguage'] = language;
      let caught = false;
      if (made.escapes && random.chance(0.6)) {
        caught = true;
        state['Catch'] = [catcher(language, next ?? this.#end(states))];
      }
      escapes ||= made.escapes && !caught;
      if (state['Type'] === 'Choice')
        choose(state, language, next ?? this.#end(states), this.#end(states), random);
      else if (state['Type'] !== 'Succeed' && state['Type'] !== 'Fail') {
        if (next === undefined) state['End'] = true;
        else state['Next'] = next;
        // A state whose failure is caught need not have set it, and a Choice may lead past it.
        if (state['Type'] === 'Pass' && random.chance(0.4)) variables.push(assign(this, state, language));
      }
      if (typeof state['TimeoutPath'] === 'string') state['TimeoutPath'] = next ?? this.#end(states);
      states[name] = state;
    }
    return { states, first: names[0] ?? '', escapes };
  }

  #end(states: Record<string, JsonObject>): string {
    const name = this.name('End');
    states[name] = { Type: 'Succeed' };
    return name;
  }

  #pick({ depth, repeats }: Around): Making {
    const { random } = this;
    const nested = depth < 2 && random.chance(depth === 0 ? 0.3 : 0.15);
    if (nested) return random.chance(0.5) ? parallel : map;
    const kinds: Making[] = [task, task, task, pass, wait, choice, token, activity];
    if (this.children.length > 0) kinds.push(child, child);
    if (!repeats) kinds.push(message, message);
    if (random.chance(0.05)) kinds.push(fail);
    return random.pick(kinds);
  }

  plan(): Plan {
    const { random } = this;
    const attempts = random.chance(0.3) ? random.between(1, 3) : 0;
    const ms = random.chance(0.5) ? 0 : random.between(1, random.chance(0.2) ? 6_000 : 300);
    return { salt: random.between(0, 99), ms, fails: Array.from({ length: attempts }, () => 'Planned.Now') };
  }
}

const pass: Making = ({ random }, _name, { language, variables }) => {
  const variable = variables.length > 0 && random.chance(0.6) ? random.pick(variables) : undefined;
  const by = variable === undefined ? String(random.between(1, 50)) : `$${variable}`;
  const text = language === 'JSONata' ? `{% $states.input.v + ${by} %}` : `States.MathAdd($.v, ${by})`;
  return { state: { Type: 'Pass', ...passing(language, text) }, escapes: false };
};

const wait: Making = ({ random }, _name, { language }) => {
  const seconds = random.between(1, random.chance(0.2) ? 20 : 4);
  return {
    state: {
      Type: 'Wait',
      Seconds: language === 'JSONata' ? `{% ${String(seconds)} + ($states.input.v % 2) %}` : seconds,
    },
    escapes: false,
  };
};

const choice: Making = () => ({ state: { Type: 'Choice' }, escapes: false });

/** v is even: on; odd: to the end. */
function choose(state: JsonObject, language: Language, next: string, end: string, random: Random): void {
  const than = random.between(0, 9_000);
  state['Choices'] = [
    language === 'JSONata'
      ? { Condition: `{% $states.input.v % 4 != 0 %}`, Next: next }
      : { Variable: '$.v', NumericGreaterThan: than, Next: next },
  ];
  state['Default'] = end;
}

const fail: Making = () => ({
  state: { Type: 'Fail', Error: 'Planned.Now', Cause: 'as planned' },
  escapes: true,
});

const task: Making = (maker, _name, { language }) => {
  const plan = maker.plan();
  if (maker.random.chance(0.05)) plan.heals = true;
  const state: JsonObject = {
    Type: 'Task',
    Resource: `${FUNCTION}work`,
    ...taking(language, { plan: { ...plan } }, 'v'),
  };
  if (!maker.deterministic && maker.random.chance(0.4)) {
    state['TimeoutSeconds'] = maker.random.between(2, 8);
    if (maker.random.chance(0.5)) {
      state['HeartbeatSeconds'] = 1;
      const beating = { ...plan, beatMs: maker.random.chance(0.7) ? 600 : 1_500 };
      Object.assign(state, taking(language, { plan: { ...beating } }, 'v'));
    }
  }
  return { state, escapes: retried(maker, state, plan) };
};

const token: Making = (maker, _name, { language }) => {
  const { random } = maker;
  const plan = { ...maker.plan(), times: random.chance(0.3) ? 2 : 1 };
  const silent = !maker.deterministic && random.chance(0.3);
  const asking: JsonObject = { plan: { ...plan, ...(silent && { silent }) } };
  const given: JsonObject =
    language === 'JSONata'
      ? { ...asking, v: '{% $states.input.v %}', token: '{% $states.context.Task.Token %}' }
      : { ...asking, 'v.$': '$.v', 'token.$': '$$.Task.Token' };
  const parameters = { FunctionName: 'ask', Payload: given };
  const state: JsonObject = {
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
    ...(language === 'JSONata' ? { Arguments: parameters } : { Parameters: parameters }),
  };
  if (!maker.deterministic) state['TimeoutSeconds'] = random.between(1, 12);
  if (!maker.deterministic && random.chance(0.3)) state['HeartbeatSeconds'] = 1;
  if (language === 'JSONata') state['Output'] = { v: '{% $states.result.v %}' };
  return { state, escapes: retried(maker, state, plan) || silent };
};

const activity: Making = (maker, _name, { language }) => {
  const plan = maker.plan();
  const state: JsonObject = {
    Type: 'Task',
    Resource: ACTIVITY,
    ...taking(language, { plan: { ...plan } }, 'v'),
  };
  if (!maker.deterministic && maker.random.chance(0.5)) state['TimeoutSeconds'] = maker.random.between(1, 8);
  return { state, escapes: retried(maker, state, plan) };
};

const child: Making = (maker, _name, { language }) => {
  const { machine, fails } = maker.random.pick(maker.children);
  const waits = maker.random.chance(0.75);
  const input: JsonObject = language === 'JSONata' ? { v: '{% $states.input.v %}' } : { 'v.$': '$.v' };
  const parameters = { StateMachineArn: MACHINE + machine, Input: { ...input, items: [...ITEMS] } };
  const state: JsonObject = {
    Type: 'Task',
    Resource: `arn:aws:states:::states:startExecution${waits ? '.sync:2' : ''}`,
    ...(language === 'JSONata' ? { Arguments: parameters } : { Parameters: parameters }),
  };
  if (language === 'JSONata')
    state['Output'] = { v: waits ? '{% $states.result.Output.v %}' : '{% $states.input.v %}' };
  else if (waits) state['ResultSelector'] = { 'v.$': '$.Output.v' };
  else state['ResultPath'] = null;
  if (!maker.deterministic && waits && maker.random.chance(0.3))
    state['TimeoutSeconds'] = maker.random.between(1, 15);
  return { state, escapes: waits && fails };
};

const message: Making = (maker, _name, { language }) => {
  const key = maker.name('m');
  maker.messages.push(key);
  const isJsonata = language === 'JSONata';
  const state: JsonObject = {
    Type: 'Message',
    CorrelationKey: key,
    ...(isJsonata
      ? { CorrelationValue: '{% $states.context.Execution.Name %}', Output: { v: '{% $states.result.v %}' } }
      : { CorrelationValuePath: '$$.Execution.Name' }),
  };
  if (!maker.deterministic && maker.random.chance(0.5)) {
    state['TimeoutSeconds'] = maker.random.between(1, 10);
    if (maker.random.chance(0.6)) state['TimeoutPath'] = '';
  }
  return { state, escapes: 'TimeoutSeconds' in state && !('TimeoutPath' in state) };
};

const parallel: Making = (maker, _name, around) => {
  const { random } = maker;
  const { language } = around;
  const repeats = random.chance(0.3);
  const inside = { ...around, depth: around.depth + 1, repeats: around.repeats || repeats };
  const sequences = Array.from({ length: random.between(1, 3) }, () =>
    maker.sequence(random.between(1, 3), inside),
  );
  const branches: Json[] = sequences.map(({ first, states }) => ({ StartAt: first, States: states }));
  const sum = sequences.map((_, n) => `$states.result[${String(n)}].v`).join(' + ');
  const state: JsonObject = {
    Type: 'Parallel',
    Branches: branches,
    ...(language === 'JSONata'
      ? { Output: { v: `{% (${sum}) % 9973 %}` } }
      : { ResultSelector: { 'v.$': sequences.length > 1 ? 'States.MathAdd($[0].v, $[1].v)' : '$[0].v' } }),
  };
  if (sequences.filter(({ escapes }) => escapes).length > 1) maker.races = true;
  if (repeats) state['Retry'] = [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 1, MaxAttempts: 1 }];
  return { state, escapes: sequences.some((one) => one.escapes) };
};

const map: Making = (maker, _name, around) => {
  const { random } = maker;
  const { language } = around;
  const inside = { ...around, depth: around.depth + 1, repeats: true };
  const { first, states, escapes } = maker.sequence(random.between(1, 2), inside);
  const isJsonata = language === 'JSONata';
  const items = random.between(0, 5);
  const list = Array.from({ length: items }, (_, n) => n * 17);
  const state: JsonObject = {
    Type: 'Map',
    ItemProcessor: { ProcessorConfig: { Mode: 'INLINE' }, StartAt: first, States: states },
    ...(random.chance(0.5) && { MaxConcurrency: random.between(1, 3) }),
    ...(isJsonata
      ? {
          Items: list,
          ItemSelector: { v: '{% $states.context.Map.Item.Value + $states.input.v %}' },
          Output: { v: '{% $sum([0, $states.result.v]) % 9973 %}' },
        }
      : {
          ItemsPath: '$$.Execution.Input.items',
          ItemSelector: { 'v.$': 'States.MathAdd($$.Map.Item.Value, $.v)' },
          ResultSelector: { 'v.$': 'States.ArrayLength($)' },
        }),
  };
  return { state, escapes };
};

/** A Retrier, as often as not: answers whether an error is left. */
function retried(maker: Maker, state: JsonObject, plan: Plan): boolean {
  const { random } = maker;
  const isOutOfTime = 'TimeoutSeconds' in state || plan.heals === true;
  if (!random.chance(0.6)) return plan.fails.length > 0 || isOutOfTime;
  const most = random.between(1, 3);
  const named = random.pick(['States.ALL', 'States.TaskFailed', 'Planned.Now']);
  state['Retry'] = [
    {
      ErrorEquals: [named],
      IntervalSeconds: random.between(1, 2),
      MaxAttempts: most,
      BackoffRate: random.pick([1, 1.5, 2]),
      ...(random.chance(0.3) && { JitterStrategy: 'FULL' }),
    },
  ];
  return plan.fails.length > most || isOutOfTime;
}

function catcher(language: Language, next: string): JsonObject {
  return language === 'JSONata'
    ? { ErrorEquals: ['States.ALL'], Next: next, Output: { v: '{% $states.input.v + 500 %}' } }
    : { ErrorEquals: ['States.ALL'], Next: next, ResultPath: null };
}

function assign(maker: Maker, state: JsonObject, language: Language): string {
  const variable = maker.name('x');
  state['Assign'] =
    language === 'JSONata' ? { [variable]: '{% $states.input.v %}' } : { [`${variable}.$`]: '$.v' };
  return variable;
}
