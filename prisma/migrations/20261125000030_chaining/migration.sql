-- Chaining: expressions that make an input from a source's output, and who was chained into what.

CREATE TABLE "transformers" (
    "name" TEXT NOT NULL,
    "expression" TEXT NOT NULL,
    "description" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "transformers_pkey" PRIMARY KEY ("name")
);

-- The expression itself, also where the request named a stored one: that may be deleted before the batch is through.
ALTER TABLE "batches" ADD COLUMN "source_transformer" TEXT;

-- Which executions were chained into a machine: one probe for each that is looked at, or all of them in the order of
-- their sources. Executions without a source cost no entry.
CREATE INDEX "executions_chained_idx" ON "executions"("state_machine_id", "source_execution_id") WHERE "source_execution_id" IS NOT NULL;
