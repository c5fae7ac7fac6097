-- The first schema. No foreign keys on the hot tables: their rows are written in bulk, and their
-- parents are checked by the statements that write them.

CREATE TABLE "state_machines" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT,
    "type" TEXT NOT NULL,
    "queue" TEXT NOT NULL,
    "metadata" JSONB,
    "version" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "deleted_at" TIMESTAMPTZ(3),
    CONSTRAINT "state_machines_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "state_machines_created_at_id_idx" ON "state_machines"("created_at", "id");

CREATE TABLE "state_machine_versions" (
    "state_machine_id" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "definition" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "state_machine_versions_pkey" PRIMARY KEY ("state_machine_id", "version")
);

CREATE TABLE "workers" (
    "id" UUID NOT NULL,
    "host" TEXT NOT NULL,
    "pid" INTEGER NOT NULL,
    "queues" JSONB NOT NULL,
    "concurrency" INTEGER NOT NULL,
    "running" JSONB NOT NULL,
    "lease_ms" INTEGER NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "heartbeat_at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "workers_pkey" PRIMARY KEY ("id")
);

-- fillfactor: a claim, a park and an end rewrite the row; with room on the page the new version
-- stays beside the old one and no index entry is written for a claim.
CREATE TABLE "executions" (
    "id" UUID NOT NULL,
    "state_machine_id" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "input" TEXT NOT NULL,
    "output" TEXT,
    "error" TEXT,
    "cause" TEXT,
    "start_time" TIMESTAMPTZ(3) NOT NULL,
    "end_time" TIMESTAMPTZ(3),
    "queue" TEXT NOT NULL,
    "batch_id" UUID,
    "batch_index" INTEGER,
    "parent_id" UUID,
    "source_execution_id" UUID,
    "source_state_name" TEXT,
    "current_state" TEXT,
    "epoch" INTEGER NOT NULL DEFAULT 0,
    "owner" UUID,
    "wake_at" TIMESTAMPTZ(3),
    "inbox_seq" INTEGER NOT NULL DEFAULT 0,
    "faults" INTEGER NOT NULL DEFAULT 0,
    "waited" BOOLEAN NOT NULL DEFAULT false,
    "snapshot" TEXT,
    "snapshot_seq" INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT "executions_pkey" PRIMARY KEY ("id")
) WITH (fillfactor = 60);

-- Starting is idempotent by (machine, name).
CREATE UNIQUE INDEX "executions_state_machine_id_name_key" ON "executions"("state_machine_id", "name");
-- Lists and statistics of one machine; ids are time-ordered.
CREATE INDEX "executions_state_machine_id_id_idx" ON "executions"("state_machine_id", "id");
-- The sweeper's. Its predicate is on end_time and not on status: with status the planner takes this
-- index for the claim after an autovacuum, and throughput halves.
CREATE INDEX "executions_wake_at_idx" ON "executions"("wake_at") WHERE "end_time" IS NULL;
-- Results of a batch, in order.
CREATE INDEX "executions_batch_id_batch_index_idx" ON "executions"("batch_id", "batch_index") WHERE "batch_id" IS NOT NULL;
-- What has been chained from an execution.
CREATE INDEX "executions_source_execution_id_idx" ON "executions"("source_execution_id") WHERE "source_execution_id" IS NOT NULL;

CREATE TABLE "journal" (
    "execution_id" UUID NOT NULL,
    "seq" INTEGER NOT NULL,
    "epoch" INTEGER NOT NULL,
    "first_event_id" INTEGER NOT NULL,
    "event_count" INTEGER NOT NULL,
    "current_state" TEXT,
    "events" TEXT NOT NULL,
    "frames" TEXT NOT NULL,
    CONSTRAINT "journal_pkey" PRIMARY KEY ("execution_id", "seq")
);

CREATE TABLE "inbox" (
    "execution_id" UUID NOT NULL,
    "seq" INTEGER NOT NULL,
    "kind" TEXT NOT NULL,
    "data" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "inbox_pkey" PRIMARY KEY ("execution_id", "seq")
);

CREATE TABLE "batches" (
    "id" UUID NOT NULL,
    "state_machine_id" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "mode" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "name_prefix" TEXT NOT NULL,
    "concurrency" INTEGER NOT NULL,
    "stop_on_error" BOOLEAN NOT NULL,
    "queue" TEXT NOT NULL,
    "source_state_name" TEXT,
    "filter" JSONB,
    "total" INTEGER NOT NULL,
    "started" INTEGER NOT NULL DEFAULT 0,
    "succeeded" INTEGER NOT NULL DEFAULT 0,
    "failed" INTEGER NOT NULL DEFAULT 0,
    "aborted" INTEGER NOT NULL DEFAULT 0,
    "owner" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "end_time" TIMESTAMPTZ(3),
    CONSTRAINT "batches_pkey" PRIMARY KEY ("id")
) WITH (fillfactor = 50);
-- Batches that may need a leader: few at any time.
CREATE INDEX "batches_open_idx" ON "batches"("id") WHERE "end_time" IS NULL;

CREATE TABLE "batch_chunks" (
    "batch_id" UUID NOT NULL,
    "first_index" INTEGER NOT NULL,
    "count" INTEGER NOT NULL,
    "inputs" TEXT,
    "source_ids" UUID[],
    CONSTRAINT "batch_chunks_pkey" PRIMARY KEY ("batch_id", "first_index")
);

CREATE TABLE "queues" (
    "name" TEXT NOT NULL,
    "weight" INTEGER NOT NULL,
    "state_machine_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "queues_pkey" PRIMARY KEY ("name")
);

CREATE TABLE "queue_totals" (
    "queue" TEXT NOT NULL,
    "worker_id" UUID NOT NULL,
    "succeeded" BIGINT NOT NULL DEFAULT 0,
    "failed" BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT "queue_totals_pkey" PRIMARY KEY ("queue", "worker_id")
) WITH (fillfactor = 50);

CREATE TABLE "dead_letters" (
    "id" UUID NOT NULL,
    "queue" TEXT NOT NULL,
    "execution_id" UUID NOT NULL,
    "error" TEXT NOT NULL,
    "attempts" INTEGER NOT NULL,
    "failed_at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "dead_letters_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "dead_letters_execution_id_key" ON "dead_letters"("execution_id");
CREATE INDEX "dead_letters_queue_id_idx" ON "dead_letters"("queue", "id");
