import type { TaskState } from '../../asl/index.js';

/** AWS's field of a service's events; what runs here is in no region, and clients expect one. */
export const REGION = 'us-east-1';

/** What the history calls a task's events, and what each of them says of the resource. */
interface TaskEvents {
  prefix: 'LambdaFunction' | 'Activity' | 'Task';
  details: { resource: string; resourceType: string } | Record<string, never>;
  /** What a result that is too large is told to come from. */
  limited: string;
}

export function eventsOf({ integration, resource }: TaskState): TaskEvents {
  switch (integration.kind) {
    case 'function':
      return { prefix: 'LambdaFunction', details: {}, limited: resource };
    case 'activity':
      return { prefix: 'Activity', details: {}, limited: resource };
    case 'service': {
      const { service, pattern } = integration;
      const at = service.lastIndexOf(':');
      const resourceType = service.slice(0, at);
      const suffix = pattern === 'requestResponse' ? '' : `.${pattern}`;
      return {
        prefix: 'Task',
        details: { resource: service.slice(at + 1) + suffix, resourceType },
        limited: resourceType,
      };
    }
  }
}
