/** What a machine wants done with its executions when their worker has died (the column state_machines.recovery). */
export interface Recovery {
  strategy: 'retry' | 'skip' | 'fail' | 'pause';
  maxRecoveries?: number;
}
