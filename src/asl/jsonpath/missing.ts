import type { Json } from '../../std/json.js';
import { evaluateSteps } from './evaluate.js';
import type { CompiledPath, Step } from './path.js';

/**
 * Why a definite path found nothing, in AWS's words: the last step missing is "No results for path",
 * an earlier one "Missing property in path", with the path up to there in brackets.
 */
export function explainMissing(path: CompiledPath, root: Json): string {
  for (let length = 1; length < path.steps.length; length++) {
    if (evaluateSteps(path.steps.slice(0, length), root, {}) === undefined) {
      return `Missing property in path $${bracketed(path.steps.slice(0, length))}`;
    }
  }
  return `No results for path: $${bracketed(path.steps)}`;
}

function bracketed(steps: readonly Step[]): string {
  return steps.map(bracket).join('');
}

function bracket(step: Step): string {
  switch (step.kind) {
    case 'field':
      return `['${step.name}']`;
    case 'fields':
      return `[${step.names.map((name) => `'${name}'`).join(',')}]`;
    case 'index':
      return `[${step.index}]`;
    case 'function':
      return '.()';
    default:
      return '[*]';
  }
}
