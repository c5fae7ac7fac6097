-- What executions wait for: callbacks, activity workers, messages, children, map runs.

-- The role that a version was created with. Nothing here assumes it; it is shown where AWS shows it.
ALTER TABLE "state_machine_versions" ADD COLUMN "role_arn" TEXT;

-- A child and where its end is told: parent_id is there already. notify_parent stays true until it was.
ALTER TABLE "executions"
    ADD COLUMN "parent_frame" INTEGER,
    ADD COLUMN "parent_key" TEXT,
    ADD COLUMN "notify_parent" BOOLEAN NOT NULL DEFAULT false;
-- A call starts one child, however often it is repeated. Children of map runs have no key, and cost no entry.
CREATE UNIQUE INDEX "executions_parent_id_parent_key_key" ON "executions"("parent_id", "parent_key") WHERE "parent_key" IS NOT NULL;
-- The sweeper's: ended children of which the parent has not heard, running ones whose parent has ended.
CREATE INDEX "executions_notify_parent_idx" ON "executions"("id") WHERE "notify_parent";

-- A map run is a batch with a parent.
ALTER TABLE "batches"
    ADD COLUMN "parent_id" UUID,
    ADD COLUMN "parent_frame" INTEGER,
    ADD COLUMN "parent_key" TEXT,
    ADD COLUMN "notify_parent" BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN "label" TEXT,
    ADD COLUMN "map_state" TEXT,
    ADD COLUMN "tolerated_count" INTEGER,
    ADD COLUMN "tolerated_percentage" DOUBLE PRECISION,
    ADD COLUMN "timed_out" INTEGER NOT NULL DEFAULT 0;
CREATE INDEX "batches_parent_id_idx" ON "batches"("parent_id") WHERE "parent_id" IS NOT NULL;
CREATE INDEX "batches_notify_parent_idx" ON "batches"("id") WHERE "notify_parent";

-- Who answers with the token answers this frame's call. done_at: it was answered, or nobody waits any more.
CREATE TABLE "task_tokens" (
    "token" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "execution_id" UUID NOT NULL,
    "frame_id" INTEGER NOT NULL,
    "key" TEXT NOT NULL,
    "activity" TEXT,
    "input" TEXT,
    "worker_name" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "leased_at" TIMESTAMPTZ(3),
    "done_at" TIMESTAMPTZ(3),
    CONSTRAINT "task_tokens_pkey" PRIMARY KEY ("token")
);
-- What a poll takes: the oldest first.
CREATE INDEX "task_tokens_offered_idx" ON "task_tokens"("activity", "created_at") WHERE "leased_at" IS NULL AND "done_at" IS NULL;
-- What the sweeper clears away.
CREATE INDEX "task_tokens_done_at_idx" ON "task_tokens"("done_at") WHERE "done_at" IS NOT NULL;

CREATE TABLE "activities" (
    "name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "activities_pkey" PRIMARY KEY ("name")
);

-- Who waits for which message. hash: of key and value, which may be longer than an index entry. message: one that has matched and is about to be put into the inbox.
CREATE TABLE "message_correlations" (
    "execution_id" UUID NOT NULL,
    "frame_id" INTEGER NOT NULL,
    "key" TEXT NOT NULL,
    "state_machine_id" TEXT NOT NULL,
    "state_name" TEXT NOT NULL,
    "correlation_key" TEXT NOT NULL,
    "correlation_value" TEXT NOT NULL,
    "hash" BIGINT NOT NULL,
    "timeout_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "message" TEXT,
    CONSTRAINT "message_correlations_pkey" PRIMARY KEY ("execution_id", "key")
);
CREATE INDEX "message_correlations_hash_idx" ON "message_correlations"("hash");
CREATE INDEX "message_correlations_waiting_idx" ON "message_correlations"("state_machine_id", "created_at", "execution_id", "key");
CREATE INDEX "message_correlations_message_idx" ON "message_correlations"("created_at") WHERE "message" IS NOT NULL;

-- Messages that nobody waited for yet.
CREATE TABLE "messages" (
    "id" UUID NOT NULL,
    "correlation_key" TEXT NOT NULL,
    "correlation_value" TEXT NOT NULL,
    "hash" BIGINT NOT NULL,
    "data" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "messages_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "messages_hash_idx" ON "messages"("hash");
CREATE INDEX "messages_expires_at_idx" ON "messages"("expires_at");
