/** Chaining, in the words of `types.ts`: transformers, and what an execution came from and led to. */
import type { Relation } from '../store/index.js';
import type { ExecutionStatus, Page, PageRequest } from './types.js';

export type { Relation };

export interface TransformerOperations {
  /** Making the same again changes nothing; `created` says which. */
  create(request: NewTransformer): Promise<{ created: boolean; transformer: TransformerView }>;
  /** By name. */
  list(request?: PageRequest): Promise<Page<TransformerView>>;
  get(name: string): Promise<TransformerView>;
  /** Batches that were made with it go on with it. */
  remove(name: string): Promise<{ name: string }>;
}

interface NewTransformer {
  /** A letter, then letters, digits, '-' and '_', at most 80. */
  name: string;
  /** JSONata, with or without `{% %}` around it. */
  expression: string;
  description?: string;
}

export interface TransformerView {
  name: string;
  expression: string;
  description: string | null;
  createdAt: Date;
}

export interface LinksView extends Page<LinkView> {
  /** What it came from: at most one of source and parent, batch or map run each; the same on every page. */
  from: LinkView[];
}

export interface LinkView {
  /** What the other is to this one. */
  relation: Relation;
  /** Of the other, or null where it is no execution, … */
  executionId: string | null;
  batchId: string | null;
  mapRunId: string | null;
  stateMachineId: string;
  /** An execution's name, a map run's Map state, the prefix of a batch's members. */
  name: string;
  status: ExecutionStatus;
  /** Chaining: the state whose output was taken; null: the execution's own. */
  sourceStateName: string | null;
  startTime: Date;
}
