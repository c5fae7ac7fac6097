/** What a Resource means. */
export type Integration =
  /** `arn:aws:lambda:…:function:NAME`, `arn:aws:lambda:::NAME` or a plain `NAME`. */
  | { kind: 'function'; functionName: string }
  /** `arn:aws:states:REGION:ACCOUNT:activity:NAME`. */
  | { kind: 'activity'; activityArn: string }
  /** `arn:aws:states:::SERVICE:ACTION`, with or without a pattern after it. */
  | { kind: 'service'; service: ServiceAction; pattern: Pattern };

/** The service integrations that run here. */
export type ServiceAction =
  | 'lambda:invoke'
  | 'http:invoke'
  | 'states:startExecution'
  | 'aws-sdk:sfn:startExecution'
  | 'aws-sdk:sfn:sendTaskSuccess'
  | 'aws-sdk:sfn:sendTaskFailure'
  | 'aws-sdk:sfn:sendTaskHeartbeat';

/**
 * How a task ends: with the call's answer, with the end of the job that it started, or with the token that it
 * handed out (https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html).
 */
export type Pattern = 'requestResponse' | 'sync' | 'sync:2' | 'waitForTaskToken';

/** What a Resource's text says: something we run, something AWS has and we do not, or nothing at all. */
export type Resource =
  | { kind: 'integration'; integration: Integration }
  | { kind: 'unsupported'; feature: string; pattern: Pattern }
  | { kind: 'unknown' };

export function parseResource(resource: string): Resource {
  const functionName = FUNCTION_ARN.exec(resource)?.[1] ?? PLAIN_NAME.exec(resource)?.[0];
  if (functionName !== undefined) {
    return { kind: 'integration', integration: { kind: 'function', functionName } };
  }
  if (ACTIVITY_ARN.test(resource)) {
    return { kind: 'integration', integration: { kind: 'activity', activityArn: resource } };
  }
  const service = SERVICE_ARN.exec(resource);
  return service === null ? { kind: 'unknown' } : parseService(service[1] as string, service[2] ?? '');
}

/**
 * The handler's name in what `lambda:invoke` takes as FunctionName: an ARN, `ACCOUNT:function:NAME` or a
 * plain name, each with or without `:ALIAS`; undefined for any other text.
 */
export function functionNameOf(text: string): string | undefined {
  return FUNCTION_ARN.exec(text)?.[1] ?? PARTIAL_ARN.exec(text)?.[1];
}

/** In full, with alias or version, or in the short form `arn:aws:lambda:::NAME`. */
const FUNCTION_ARN =
  /^arn:[\w-]+:lambda:(?:[^:]*:[^:]*:function:|::)([\w-]{1,140})(?::(?:\$LATEST|[\w-]+))?$/;

const PARTIAL_ARN = /^(?:\d{12}:function:)?([\w.-]{1,140})(?::(?:\$LATEST|[\w-]+))?$/;

const PLAIN_NAME = /^[\w.-]{1,140}$/;

/** AWS takes almost any character in an activity's name, but none that is white space, a bracket or a wildcard. */
const ACTIVITY_ARN = /^arn:[\w-]+:states:[^:]*:[^:]*:activity:[^\s<>{}[\]?*"#%\\^|~`$&,;:/]{1,80}$/;

const SERVICE_ARN = /^arn:[\w-]+:states:[^:]*:[^:]*:([\w-]+(?::[\w-]+)*)(?:\.([\w:]+))?$/;

function parseService(name: string, ending: string): Resource {
  const pattern = ending === '' ? 'requestResponse' : PATTERNS.find((known) => known === ending);
  const offered = name.startsWith('aws-sdk:') ? offeredBySdk(name) : OFFERED.get(name);
  if (pattern === undefined || offered?.includes(pattern) !== true) return { kind: 'unknown' };
  const service = RUNS.get(name);
  return service?.patterns.includes(pattern) === true
    ? { kind: 'integration', integration: { kind: 'service', service: service.action, pattern } }
    : { kind: 'unsupported', feature: `the service integration ${name}${ending && `.${ending}`}`, pattern };
}

const PATTERNS: readonly Pattern[] = ['sync', 'sync:2', 'waitForTaskToken'];

/** Every action of the SDK can be called, and may be told to wait for a token; which there are nobody lists. */
function offeredBySdk(name: string): readonly Pattern[] | undefined {
  return name.split(':').length === 3 ? ['requestResponse', 'waitForTaskToken'] : undefined;
}

/** What runs here, with the patterns in which it does. */
const RUNS: ReadonlyMap<string, { action: ServiceAction; patterns: readonly Pattern[] }> = new Map(
  (
    [
      ['lambda:invoke', ['requestResponse', 'waitForTaskToken']],
      ['http:invoke', ['requestResponse']],
      ['states:startExecution', ['requestResponse', 'sync', 'sync:2', 'waitForTaskToken']],
      ['aws-sdk:sfn:startExecution', ['requestResponse']],
      ['aws-sdk:sfn:sendTaskSuccess', ['requestResponse']],
      ['aws-sdk:sfn:sendTaskFailure', ['requestResponse']],
      ['aws-sdk:sfn:sendTaskHeartbeat', ['requestResponse']],
    ] satisfies [ServiceAction, Pattern[]][]
  ).map(([action, patterns]) => [action, { action, patterns }]),
);

/**
 * The optimized integrations that AWS lists, so that a misspelt one is told from one that is not built:
 * services with their actions; an action that AWS also runs as a job ends in `*`, one that may wait for a
 * token in `?` (https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html).
 */
const OFFERED: ReadonlyMap<string, readonly Pattern[]> = new Map(
  [
    'apigateway:invoke?',
    'athena:startQueryExecution* stopQueryExecution getQueryExecution getQueryResults',
    'batch:submitJob*',
    'bedrock:createModelCustomizationJob* invokeModel?',
    'codebuild:startBuild* stopBuild batchDeleteBuilds batchGetReports startBuildBatch* stopBuildBatch retryBuildBatch* deleteBuildBatch',
    'databrew:startJobRun*',
    'dynamodb:getItem putItem deleteItem updateItem',
    'ecs:runTask*?',
    'eks:createCluster* deleteCluster* createNodegroup* deleteNodegroup* createFargateProfile* deleteFargateProfile* call runJob*?',
    'elasticmapreduce:createCluster* setClusterTerminationProtection terminateCluster* addStep* cancelStep modifyInstanceFleetByName modifyInstanceGroupByName',
    'emr-containers:createVirtualCluster deleteVirtualCluster* startJobRun*',
    'emr-serverless:createApplication* deleteApplication* startApplication* stopApplication* startJobRun* cancelJobRun*',
    'events:putEvents?',
    'glue:startJobRun*',
    'http:invoke',
    'lambda:invoke?',
    'mediaconvert:createJob*',
    's3:getObject putObject listObjectsV2',
    'sagemaker:createEndpoint createEndpointConfig createHyperParameterTuningJob* createLabelingJob* createModel createProcessingJob* createTrainingJob* createTransformJob* updateEndpoint',
    'sns:publish?',
    'sqs:sendMessage?',
    'states:startExecution*?',
  ].flatMap((line) => {
    const [service, actions] = line.split(':') as [string, string];
    return actions.split(' ').map((action): [string, Pattern[]] => {
      const patterns: Pattern[] = ['requestResponse'];
      if (action.includes('*')) patterns.push('sync');
      if (service === 'states') patterns.push('sync:2');
      if (action.includes('?')) patterns.push('waitForTaskToken');
      return [`${service}:${action.replace(/[*?]/g, '')}`, patterns];
    });
  }),
);
