-- Schedules: what starts executions by the clock. next_run_at is the truth about when: null while it is paused, and when
-- there is nothing to come. queued_for: the instant of a run that waits for an earlier one to end.
CREATE TABLE "schedules" (
    "id" TEXT NOT NULL,
    "state_machine_id" TEXT NOT NULL,
    "description" TEXT,
    "input" TEXT NOT NULL,
    "queue" TEXT,
    "cron" TEXT,
    "time_zone" TEXT NOT NULL,
    "interval_seconds" INTEGER,
    "anchor_at" TIMESTAMPTZ(3) NOT NULL,
    "start_at" TIMESTAMPTZ(3),
    "end_at" TIMESTAMPTZ(3),
    "overlap" TEXT NOT NULL,
    "missed" TEXT NOT NULL,
    "paused" BOOLEAN NOT NULL DEFAULT false,
    "pause_reason" TEXT,
    "next_run_at" TIMESTAMPTZ(3),
    "queued_for" TIMESTAMPTZ(3),
    "last_run_at" TIMESTAMPTZ(3),
    "last_execution_id" UUID,
    "started" BIGINT NOT NULL DEFAULT 0,
    "skipped" BIGINT NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "schedules_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "schedules_timetable_check" CHECK (num_nonnulls("cron", "interval_seconds") = 1)
);
-- What is due, and when the next one is.
CREATE INDEX "schedules_next_run_at_idx" ON "schedules"("next_run_at", "id") WHERE "next_run_at" IS NOT NULL;
CREATE INDEX "schedules_queued_for_idx" ON "schedules"("id") WHERE "queued_for" IS NOT NULL;
-- Those of a machine: when it is deleted, and in lists.
CREATE INDEX "schedules_state_machine_id_id_idx" ON "schedules"("state_machine_id", "id");

-- Which schedule started it, and for which instant. Others have no entry in the indexes.
ALTER TABLE "executions"
    ADD COLUMN "schedule_id" TEXT,
    ADD COLUMN "scheduled_for" TIMESTAMPTZ(3);
CREATE INDEX "executions_schedule_id_id_idx" ON "executions"("schedule_id", "id") WHERE "schedule_id" IS NOT NULL;
-- Whether one of a schedule is running.
CREATE INDEX "executions_schedule_open_idx" ON "executions"("schedule_id") WHERE "schedule_id" IS NOT NULL AND "end_time" IS NULL;
