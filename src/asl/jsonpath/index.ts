/** JSONPath as AWS has it (Jayway's JsonPath): parsed once, evaluated without recursion into the data. */
export { assignAt } from './assign.js';
export { evaluatePath } from './evaluate.js';
export { explainMissing } from './missing.js';
export { parsePath, parseReferencePath, readPath } from './parse.js';
export { type CompiledPath, type CompiledReferencePath, PathSyntaxError } from './path.js';
export { Reader } from './reader.js';
