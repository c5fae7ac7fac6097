/**
 * The compiled Machine: what `parse → validate → compile` makes of a definition. Immutable, shared by all
 * executions of a version. Paths and templates are compiled once, here, and evaluated by `dataflow`.
 * Names are the States Language's (https://states-language.net/spec.html).
 */
import type { Json, JsonObject } from '../std/json.js';
import type { ChoiceRule } from './choice.js';
import type { CompiledExpression } from './expression.js';
import type { JsonataTemplate } from './jsonata/template.js';
import type { CompiledPath, CompiledReferencePath } from './jsonpath/index.js';
import type { Integration } from './resource.js';
import type { CompiledTemplate } from './template.js';

export type { Integration, Pattern, ServiceAction } from './resource.js';

export interface Machine extends StateGroup {
  comment: string | undefined;
  timeoutSeconds: number | undefined;
  /** The definition as it was given, parsed. */
  source: JsonObject;
}

/** StartAt and States: of the machine, of a Parallel's branch, of a Map's ItemProcessor. */
export interface StateGroup {
  startAt: string;
  states: ReadonlyMap<string, State>;
}

export type State =
  | PassState
  | TaskState
  | ChoiceState
  | WaitState
  | SucceedState
  | FailState
  | ParallelState
  | MapState
  | MessageState;

export type StateType = State['type'];

/** What the fields of a state are written in: one of the two, never both. */
export type QueryLanguage = 'JSONPath' | 'JSONata';

/** A template in the state's language. */
export type Template =
  | { language: 'JSONPath'; template: CompiledTemplate }
  | { language: 'JSONata'; template: JsonataTemplate };

/** A number of a definition: written there, looked up by its `…Path` twin, or evaluated. */
export type Limit = number | CompiledReferencePath | JsonataExpression;

export type JsonataExpression = Extract<JsonataTemplate, { kind: 'expression' }>;

interface StateCommon extends Leaving {
  name: string;
  language: QueryLanguage;
  /** undefined: the whole raw input. null: `{}`. */
  inputPath: CompiledPath | null | undefined;
  /** undefined: as it is. null: `{}`. */
  outputPath: CompiledPath | null | undefined;
}

/** What JSONata states make of their output, and the variables that any state sets; of a Choice: without a rule. */
export interface Leaving {
  output: JsonataTemplate | undefined;
  assign: Template | undefined;
}

interface Transition {
  /** undefined: `End: true`. */
  next: string | undefined;
}

interface ResultShaping {
  /** undefined: `$`. null: the result is discarded. */
  resultPath: CompiledReferencePath | null | undefined;
}

export interface PassState extends StateCommon, Transition, ResultShaping {
  type: 'Pass';
  result: Json | undefined;
  parameters: CompiledTemplate | undefined;
}

interface Retried {
  retry: readonly Retrier[];
  catch: readonly Catcher[];
}

export interface TaskState extends StateCommon, Transition, ResultShaping, Retried {
  type: 'Task';
  /** As it was written. */
  resource: string;
  integration: Integration;
  parameters: CompiledTemplate | undefined;
  arguments: JsonataTemplate | undefined;
  resultSelector: CompiledTemplate | undefined;
  timeoutSeconds: Limit | undefined;
  heartbeatSeconds: Limit | undefined;
  credentials: Template | undefined;
}

/**
 * Waits for a message from outside: our extension of the language, from the library that went before
 * (docs/message-state.md).
 */
export interface MessageState extends StateCommon, Transition, ResultShaping {
  type: 'Message';
  catch: readonly Catcher[];
  correlationKey: string | JsonataExpression;
  /** undefined: the whole effective input. */
  correlationValue: CompiledReferencePath | JsonataTemplate | undefined;
  /** Which part of the message's data is the result; undefined: all of it. */
  messagePath: CompiledPath | undefined;
  resultSelector: CompiledTemplate | undefined;
  timeoutSeconds: Limit | undefined;
  /** The state that follows when the time is up; undefined: the state fails with States.Timeout. */
  timeoutNext: string | undefined;
}

export interface ChoiceState extends StateCommon {
  type: 'Choice';
  choices: readonly ChoiceRule[];
  default: string | undefined;
}

export interface WaitState extends StateCommon, Transition {
  type: 'Wait';
  duration:
    | { kind: 'seconds'; seconds: number }
    | { kind: 'secondsPath'; path: CompiledReferencePath }
    | { kind: 'timestamp'; timestamp: string }
    | { kind: 'timestampPath'; path: CompiledReferencePath }
    | { kind: 'secondsExpression' | 'timestampExpression'; template: JsonataExpression };
}

export interface SucceedState extends StateCommon {
  type: 'Succeed';
}

export interface FailState {
  type: 'Fail';
  name: string;
  language: QueryLanguage;
  error: string | CompiledExpression | JsonataExpression | undefined;
  cause: string | CompiledExpression | JsonataExpression | undefined;
}

export interface ParallelState extends StateCommon, Transition, ResultShaping, Retried {
  type: 'Parallel';
  branches: readonly StateGroup[];
  parameters: CompiledTemplate | undefined;
  arguments: JsonataTemplate | undefined;
  resultSelector: CompiledTemplate | undefined;
}

export interface MapState extends StateCommon, Transition, ResultShaping, Retried {
  type: 'Map';
  itemProcessor: StateGroup;
  itemsPath: CompiledReferencePath | undefined;
  /** Items of a JSONata state; undefined: its input. */
  items: JsonataTemplate | undefined;
  /** ItemSelector, or Parameters of the legacy form. */
  itemSelector: Template | undefined;
  resultSelector: CompiledTemplate | undefined;
  /** 0: no limit. */
  maxConcurrency: Limit;
  toleratedFailureCount: Limit | undefined;
  toleratedFailurePercentage: Limit | undefined;
  /** undefined: an inline Map. */
  distributed: DistributedMap | undefined;
}

/** What only a Map of mode DISTRIBUTED has (https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html). */
export interface DistributedMap {
  /** Names its map runs: the Label, or one made from the state's name; unique in the machine. */
  label: string;
  executionType: 'STANDARD' | 'EXPRESS';
  itemReader: ItemReader | undefined;
  itemBatcher: ItemBatcher | undefined;
  resultWriter: ResultWriter | undefined;
}

export interface ItemReader {
  resource: string;
  /** Parameters or Arguments. */
  parameters: Template | undefined;
  /** ReaderConfig without MaxItems and MaxItemsPath. */
  config: Template;
  maxItems: Limit | undefined;
}

export interface ItemBatcher {
  maxItemsPerBatch: Limit | undefined;
  maxInputBytesPerBatch: Limit | undefined;
  batchInput: Template | undefined;
}

export interface ResultWriter {
  /** undefined: the results are transformed and returned, not written. */
  resource: string | undefined;
  parameters: Template | undefined;
  /** WriterConfig; `{}` when there is none. */
  config: Template;
}

export interface Retrier {
  errorEquals: readonly string[];
  intervalSeconds: number;
  maxAttempts: number;
  backoffRate: number;
  maxDelaySeconds: number | undefined;
  jitterStrategy: 'FULL' | 'NONE';
}

export interface Catcher extends Leaving {
  errorEquals: readonly string[];
  language: QueryLanguage;
  next: string;
  resultPath: CompiledReferencePath | null | undefined;
}
