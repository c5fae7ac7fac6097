-- What has ended and whose parent has not heard of it is there for milliseconds, or since a crash: it is found at once,
-- however many are still waited for.
DROP INDEX "batches_notify_parent_idx";
CREATE INDEX "batches_untold_idx" ON "batches"("id") WHERE "notify_parent" AND "end_time" IS NOT NULL;

DROP INDEX "executions_notify_parent_idx";
CREATE INDEX "executions_untold_idx" ON "executions"("id") WHERE "notify_parent" AND "end_time" IS NOT NULL;
-- Those that run, to find the ones whose parent has ended.
CREATE INDEX "executions_awaited_idx" ON "executions"("id") WHERE "notify_parent" AND "end_time" IS NULL;
