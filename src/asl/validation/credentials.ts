import { isObject } from '../../std/json.js';
import type { QueryLanguage } from '../definition.js';
import { type Check, name } from './checks.js';
import { jsonataText } from './jsonata.js';
import { checkFields, type Schema } from './object.js';
import { checkExpression } from './paths.js';

/**
 * Credentials of a Task: the role that it takes, written there or found
 * (https://docs.aws.amazon.com/step-functions/latest/dg/concepts-access-cross-acct-resources.html).
 */
export function credentials(language: QueryLanguage): Check {
  const schema = SCHEMAS[language];
  return (value, pointer, complaints) => {
    if (!isObject(value) || !Object.keys(schema).some((field) => Object.hasOwn(value, field))) {
      complaints.schema(pointer, "The field 'RoleArn' is required but was missing");
      return;
    }
    checkFields(value, schema, pointer, complaints);
    if (Object.hasOwn(value, 'RoleArn') && Object.hasOwn(value, 'RoleArn.$') && 'RoleArn.$' in schema) {
      complaints.schema(pointer, "Expected one field that gives 'RoleArn', found 'RoleArn' and 'RoleArn.$'.");
    }
  };
}

const roleFound: Check = (value, pointer, complaints) => {
  const slash = pointer.lastIndexOf('/');
  checkExpression('RoleArn.$', value, pointer.slice(0, slash), complaints);
};

const SCHEMAS: Readonly<Record<QueryLanguage, Schema>> = {
  JSONPath: { RoleArn: name, 'RoleArn.$': roleFound },
  JSONata: { RoleArn: jsonataText },
};
