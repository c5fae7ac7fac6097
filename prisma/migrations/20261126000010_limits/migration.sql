-- Limits of a machine, how deep executions nest, and how far housekeeping has come.

-- What a machine may have at once, and begin in a second; NULL: no limit.
ALTER TABLE "state_machines"
    ADD COLUMN "max_concurrent_executions" INTEGER,
    ADD COLUMN "starts_per_second" DOUBLE PRECISION;

-- held_at: since when (or from when on) it waits for a place in its limited machine; NULL: it does not. Nobody takes up
-- what is held: its wake_at is NULL. admitted_at: when it was given its place. depth: how many parents it has.
ALTER TABLE "executions"
    ADD COLUMN "held_at" TIMESTAMPTZ(3),
    ADD COLUMN "admitted_at" TIMESTAMPTZ(3),
    ADD COLUMN "depth" INTEGER NOT NULL DEFAULT 0;
-- Who is next, and who has a place. Executions of machines without limits have an entry in neither.
CREATE INDEX "executions_held_idx" ON "executions"("state_machine_id", "held_at", "id") WHERE "held_at" IS NOT NULL;
CREATE INDEX "executions_admitted_idx" ON "executions"("state_machine_id")
    WHERE "admitted_at" IS NOT NULL AND "held_at" IS NULL AND "end_time" IS NULL;

-- One row for each machine that has or had a limit. Whoever gives out places holds it. next_start_at: when the next one
-- may begin, by the machine's starts per second.
CREATE TABLE "gates" (
    "state_machine_id" TEXT NOT NULL,
    "next_start_at" TIMESTAMPTZ(6) NOT NULL,
    CONSTRAINT "gates_pkey" PRIMARY KEY ("state_machine_id")
);

-- Work that one process at a time does a step of: how far it has come, and when it is to be gone on with.
CREATE TABLE "chores" (
    "name" TEXT NOT NULL,
    "cursor" UUID NOT NULL,
    "begun_at" TIMESTAMPTZ(3) NOT NULL,
    "next_at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "chores_pkey" PRIMARY KEY ("name")
);
INSERT INTO "chores" VALUES
    ('executions', '00000000-0000-0000-0000-000000000000', now(), now()),
    ('batches', '00000000-0000-0000-0000-000000000000', now(), now());
