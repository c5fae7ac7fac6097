-- The format that a worker must read to advance an execution which another, of an earlier release, has paused for it.

ALTER TABLE "executions" ADD COLUMN "needs_format" INTEGER;
