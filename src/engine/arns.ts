/** Amazon resource names, as workflows from AWS expect them. Ids of ours and ARNs map one to one. */
export interface Arns {
  stateMachine(stateMachineId: string): string;
  /** Of a Standard execution, by its name. */
  execution(stateMachineId: string, name: string): string;
  /** Of an Express execution: its name may come again. */
  express(stateMachineId: string, name: string, executionId: string): string;
  mapRun(stateMachineId: string, label: string, mapRunId: string): string;
  activity(name: string): string;
  /** A function's, as AWS names its latest version. */
  function(name: string): string;
  /** Of what an HTTP task authenticates itself with. */
  connection(name: string): string;
}

/** `region` and `accountId` are what the operator says; nothing here depends on them. */
export function createArns({ region, accountId }: { region: string; accountId: string }): Arns {
  const arn = (type: string, rest: string): string => `arn:aws:states:${region}:${accountId}:${type}:${rest}`;
  return {
    stateMachine: (id) => arn('stateMachine', id),
    execution: (id, name) => arn('execution', `${id}:${name}`),
    express: (id, name, executionId) => arn('express', `${id}:${name}:${executionId}`),
    mapRun: (id, label, mapRunId) => arn('mapRun', `${id}/${label}:${mapRunId}`),
    activity: (name) => arn('activity', name),
    function: (name) => `arn:aws:lambda:${region}:${accountId}:function:${name}:$LATEST`,
    connection: (name) => `arn:aws:events:${region}:${accountId}:connection/${name}`,
  };
}

/** The id in a state machine's ARN, or the text itself, which is an id then. Version and alias are not read yet. */
export function stateMachineIdIn(text: string): string {
  return /^arn:[\w-]+:states:[^:]*:[^:]*:stateMachine:([^:]+)$/.exec(text)?.[1] ?? text;
}

/** The name in an activity's ARN, or the text itself. */
export function activityNameIn(text: string): string {
  return /^arn:[\w-]+:states:[^:]*:[^:]*:activity:([^:]+)$/.exec(text)?.[1] ?? text;
}

/** The name in a connection's ARN, in which AWS appends an id, or the text itself. */
export function connectionNameIn(text: string): string {
  return /^arn:[\w-]+:events:[^:]*:[^:]*:connection\/([^/]+)(?:\/[^/]+)?$/.exec(text)?.[1] ?? text;
}
