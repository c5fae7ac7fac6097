-- A child of a map run may have several items (ItemBatcher), and tolerated failures are counted in items.

-- NULL: one item, as every member of a batch that is no map run.
ALTER TABLE "executions" ADD COLUMN "item_count" INTEGER;

ALTER TABLE "batches"
    ADD COLUMN "batched" BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN "item_total" INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN "items_started" INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN "items_succeeded" INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN "items_failed" INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN "items_timed_out" INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN "items_aborted" INTEGER NOT NULL DEFAULT 0;
