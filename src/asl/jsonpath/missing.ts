import type { Json } from '../../std/json.js';
import { printJavaStyle } from '../intrinsics/format.js';
import { evaluateSteps } from './evaluate.js';
import type { CompiledPath, Step } from './path.js';

/**
 * Why a definite path found nothing, in the words of Jayway's JsonPath, which are AWS's: a field missing at the end of
 * the path is "No results for path", one before it "Missing property in path", with the path up to there in brackets.
 * An index needs a list; one beyond the list's end is only told by the whole path.
 */
export function explainMissing(path: CompiledPath, root: Json): string {
  const noResults = `No results for path: $${bracketed(path.steps)}`;
  let node = root;
  for (const [at, step] of path.steps.entries()) {
    if (step.kind === 'index' && !Array.isArray(node)) {
      return node === null
        ? `The path $${bracketed(path.steps.slice(0, at))} is null`
        : `Filter: ${bracket(step)} can only be applied to arrays. Current context is: ${printJavaStyle(node)}`;
    }
    const next = evaluateSteps([step], node, {});
    if (next === undefined) {
      const isLast = at === path.steps.length - 1;
      return isLast || step.kind === 'index'
        ? noResults
        : `Missing property in path $${bracketed(path.steps.slice(0, at + 1))}`;
    }
    node = next;
  }
  return noResults;
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
