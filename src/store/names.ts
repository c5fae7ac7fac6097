/**
 * The first character, or half of one, that a name of AWS's may not have: white space, brackets, wildcards, special and
 * control characters (https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html).
 */
export function forbiddenIn(name: string): string | undefined {
  return FORBIDDEN.exec(name)?.[0];
}

/** The most characters of a name, counted as people count them. */
export const NAME_MAX = 80;

/** Whether an execution or an activity may be called so. */
export function isName(name: string): boolean {
  const length = [...name].length;
  return length >= 1 && length <= NAME_MAX && forbiddenIn(name) === undefined;
}

const FORBIDDEN = /[\s\p{Cc}\p{Cs}<>{}[\]?*"#%\\^|~`$&,;:/\uFFFE\uFFFF]/u;
