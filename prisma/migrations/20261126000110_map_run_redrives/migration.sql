-- A map run that is redriven with its parent: which of its children are still to be taken up again.

ALTER TABLE "batches"
  ADD COLUMN "to_redrive" INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN "items_to_redrive" INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN "redrive_index" INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN "redrive_count" INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN "redrive_date" TIMESTAMPTZ(3);
