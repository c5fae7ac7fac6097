import type { QueryLanguage } from '../definition.js';
import type { Check } from './checks.js';

/** A field that the other language has. AWS complains at the object that has the field. */
export function onlyIn(language: QueryLanguage): Check {
  const other = language === 'JSONata' ? 'JSONPath' : 'JSONata';
  return (_value, pointer, complaints) => {
    const slash = pointer.lastIndexOf('/');
    complaints.schema(
      pointer.slice(0, slash),
      `The QueryLanguage is set to '${other}', but field '${pointer.slice(slash + 1)}' is only supported for the '${language}' QueryLanguage`,
    );
  };
}
