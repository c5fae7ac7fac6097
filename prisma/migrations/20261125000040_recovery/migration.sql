-- Redrives, pauses, and what a machine says is to become of an execution whose worker died.

-- pause_reason: who or what paused it. While it is paused and nobody has it, wake_at is NULL.
-- recoveries: how many workers in a row have died while they were advancing it, of a machine with a strategy.
ALTER TABLE "executions"
    ADD COLUMN "redrive_count" INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN "redrive_date" TIMESTAMPTZ(3),
    ADD COLUMN "paused_at" TIMESTAMPTZ(3),
    ADD COLUMN "pause_reason" TEXT,
    ADD COLUMN "recoveries" INTEGER NOT NULL DEFAULT 0;

-- What waits for a person: few at any time.
CREATE INDEX "executions_paused_idx" ON "executions"("id") WHERE "paused_at" IS NOT NULL;

ALTER TABLE "state_machines" ADD COLUMN "recovery" JSONB;

-- Each redrive of an execution, for its client token.
CREATE TABLE "redrives" (
    "execution_id" UUID NOT NULL,
    "redrive_count" INTEGER NOT NULL,
    "client_token" TEXT,
    "redriven_at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "redrives_pkey" PRIMARY KEY ("execution_id", "redrive_count")
);

-- Redrives of all that a filter finds. cursor: the last execution that was looked at.
CREATE TABLE "bulk_redrives" (
    "id" UUID NOT NULL,
    "filter" JSONB NOT NULL,
    "cursor" UUID NOT NULL,
    "redriven" INTEGER NOT NULL DEFAULT 0,
    "refused" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "end_time" TIMESTAMPTZ(3),
    CONSTRAINT "bulk_redrives_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "bulk_redrives_open_idx" ON "bulk_redrives"("id") WHERE "end_time" IS NULL;
