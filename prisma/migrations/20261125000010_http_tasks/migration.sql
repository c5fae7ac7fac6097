-- What HTTP tasks authenticate themselves with, and functions behind URLs. What is secret is sealed (AES-256-GCM, see
-- src/store/vault.ts) before it comes here: neither the database nor its backups tell it.

CREATE TABLE "connections" (
    "name" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "description" TEXT,
    -- What may be shown of it.
    "shown" JSONB NOT NULL,
    -- Authorization and parameters; NULL: there is nothing secret in it.
    "sealed" TEXT,
    "hosts" TEXT[],
    -- Of this version of it: tokens that were got with another one are not used.
    "version" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "connections_pkey" PRIMARY KEY ("name")
);

CREATE TABLE "task_endpoints" (
    "name" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "timeout_seconds" INTEGER NOT NULL,
    "sealed" TEXT NOT NULL,
    -- The secret before the last rotation: calls are signed with it, too, until then.
    "previous" TEXT,
    "previous_until" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "rotated_at" TIMESTAMPTZ(3),
    CONSTRAINT "task_endpoints_pkey" PRIMARY KEY ("name")
);
