import type { JsonObject } from '../std/json.js';
import { isDeeperThan, walkJson } from '../std/json.js';
import type { Diagnostic } from './diagnostic.js';
import { MAX_DEPTH } from './parse.js';
import { anything, integer, oneOf, text } from './validation/checks.js';
import { Complaints } from './validation/complaints.js';
import { checkGroup } from './validation/groups.js';
import { checkFields, type Schema } from './validation/object.js';
import { MAX_SECONDS } from './wait.js';

const MACHINE: Schema = {
  Comment: text,
  StartAt: anything,
  States: anything,
  Version: oneOf('1.0'),
  TimeoutSeconds: integer(1, MAX_SECONDS),
  QueryLanguage: oneOf('JSONPath', 'JSONata'),
};

/**
 * All complaints about a definition at once; without an ERROR among them it compiles and runs
 * (https://states-language.net/spec.html, in AWS's words where they are known). Never throws.
 */
export function validateDefinition(
  definition: JsonObject,
  options: { type?: 'STANDARD' | 'EXPRESS' } = {},
): Diagnostic[] {
  const complaints = new Complaints();
  if (isDeeperThan(definition, MAX_DEPTH)) {
    complaints.add(
      'DEFINITION_TOO_LARGE',
      '',
      `A definition nests at most ${MAX_DEPTH} levels deep, found more.`,
    );
    return complaints.list;
  }
  checkNulCharacters(definition, complaints);
  checkFields(definition, MACHINE, '', complaints);
  const language = definition['QueryLanguage'];
  checkGroup(definition, '', complaints, {
    machineType: options.type ?? 'STANDARD',
    queryLanguage: language === undefined || language === 'JSONPath' ? 'JSONPath' : 'JSONata',
    names: new Map(),
    labels: new Map(),
    variables: new Set(),
  });
  return complaints.list;
}

/** PostgreSQL's text cannot hold U+0000, so a definition with it could not be stored. */
function checkNulCharacters(definition: JsonObject, complaints: Complaints): void {
  walkJson(definition, (value, _depth, pointer) => {
    const inKey =
      typeof value === 'object' && value !== null && Object.keys(value).some((key) => key.includes('\u0000'));
    if (inKey || (typeof value === 'string' && value.includes('\u0000'))) {
      complaints.schema(
        pointer,
        `Expected text without the character U+0000, found it in ${inKey ? 'a key' : 'the value'}.`,
      );
    }
    return true;
  });
}
