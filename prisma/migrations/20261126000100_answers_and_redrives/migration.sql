-- Which call of a workflow answered a token, so that the same call made again after a crash is known to be the same answer.

ALTER TABLE "task_tokens" ADD COLUMN "answered_by" TEXT;

-- A redrive by filter that was cancelled before it had looked at all that it finds.
ALTER TABLE "bulk_redrives" ADD COLUMN "aborted" BOOLEAN NOT NULL DEFAULT false;
