-- Which call of a workflow answered a token, so that the same call made again after a crash is known to be the same answer.

ALTER TABLE "task_tokens" ADD COLUMN "answered_by" TEXT;
