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

/** What a Resource's text says: something we run, something AWS has and we do not yet, or nothing at all. */
export type Resource =
  | { kind: 'integration'; integration: Integration }
  | { kind: 'unsupported'; feature: string; of: 'activity' | 'sync' | 'waitForTaskToken' | 'service' }
  | { kind: 'unknown' };

export function parseResource(resource: string): Resource {
  const functionName = FUNCTION_ARN.exec(resource)?.[1] ?? PLAIN_NAME.exec(resource)?.[0];
  if (functionName !== undefined) {
    return { kind: 'integration', integration: { kind: 'function', functionName } };
  }
  if (/^arn:[\w-]+:states:[^:]*:[^:]*:activity:[^:]+$/.test(resource)) {
    return { kind: 'unsupported', feature: 'activities', of: 'activity' };
  }
  const service = /^arn:[\w-]+:states:[^:]*:[^:]*:([\w-]+(?::[\w-]+)*)((?:\.[\w:]+)?)$/.exec(resource);
  if (service === null) return { kind: 'unknown' };
  return parseService(service[1] as string, service[2] as string);
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

function parseService(name: string, pattern: string): Resource {
  const known = name.startsWith('aws-sdk:') ? name.split(':').length === 3 : SERVICES.has(name);
  if (!known) return { kind: 'unknown' };
  if (pattern === '.waitForTaskToken')
    return { kind: 'unsupported', feature: `${name}${pattern}`, of: 'waitForTaskToken' };
  if (pattern === '.sync' || pattern === '.sync:2')
    return { kind: 'unsupported', feature: `${name}${pattern}`, of: 'sync' };
  if (pattern !== '') return { kind: 'unknown' };
  if (name === 'lambda:invoke') return { kind: 'integration', integration: { kind: 'lambdaInvoke' } };
  return { kind: 'unsupported', feature: `the service integration ${name}`, of: 'service' };
}

/** The optimized integrations that AWS lists, so that a misspelt one is told from one that is not built yet. */
const SERVICES: ReadonlySet<string> = new Set(
  [
    'apigateway:invoke',
    'athena:startQueryExecution stopQueryExecution getQueryExecution getQueryResults',
    'batch:submitJob',
    'bedrock:createModelCustomizationJob invokeModel',
    'codebuild:startBuild stopBuild batchDeleteBuilds batchGetReports startBuildBatch stopBuildBatch retryBuildBatch deleteBuildBatch',
    'databrew:startJobRun',
    'dynamodb:getItem putItem deleteItem updateItem',
    'ecs:runTask',
    'eks:createCluster deleteCluster createNodegroup deleteNodegroup createFargateProfile deleteFargateProfile call runJob',
    'elasticmapreduce:createCluster setClusterTerminationProtection terminateCluster addStep cancelStep modifyInstanceFleetByName modifyInstanceGroupByName',
    'emr-containers:createVirtualCluster deleteVirtualCluster startJobRun',
    'emr-serverless:createApplication deleteApplication startApplication stopApplication startJobRun cancelJobRun',
    'events:putEvents',
    'glue:startJobRun',
    'http:invoke',
    'lambda:invoke',
    'mediaconvert:createJob',
    's3:getObject putObject listObjectsV2',
    'sagemaker:createEndpoint createEndpointConfig createHyperParameterTuningJob createLabelingJob createModel createProcessingJob createTrainingJob createTransformJob updateEndpoint',
    'sns:publish',
    'sqs:sendMessage',
    'states:startExecution',
  ].flatMap((line) => {
    const [service, actions] = line.split(':') as [string, string];
    return actions.split(' ').map((action) => `${service}:${action}`);
  }),
);
