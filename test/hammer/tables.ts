/** What the hammer adds to a database of its own: the ledgers, and what makes its transactions slow. */
import type pg from 'pg';

/**
 * - `calls`: each call of a function, written before anything else is done, with the epoch of the claim that it belongs to.
 * - `takeovers`: what a claim read of its journal.
 */
const LEDGERS = `
CREATE TABLE hammer_calls (id uuid PRIMARY KEY, execution_id uuid, key text, state text, epoch int, pid int,
  at timestamptz DEFAULT clock_timestamp());
CREATE TABLE hammer_takeovers (execution_id uuid, epoch int, last_seq int, PRIMARY KEY (execution_id, epoch));
CREATE TABLE hammer_tokens (token text PRIMARY KEY, execution_id uuid, asked boolean DEFAULT false)`;

/**
 * Pauses of any length up to the second argument, in s, in so large a share of the cases as the first one says. The deferred
 * one is the nasty one: the statement is done, its commit is not, and nobody sees it yet.
 */
const DELAYS = `
CREATE FUNCTION hammer_pause() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF random() < TG_ARGV[0]::float8 THEN PERFORM pg_sleep(random() * TG_ARGV[1]::float8); END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER hammer_late AFTER INSERT ON journal DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION hammer_pause(0.2, 2);
CREATE TRIGGER hammer_amid AFTER INSERT ON journal FOR EACH STATEMENT EXECUTE FUNCTION hammer_pause(0.1, 0.2);
CREATE TRIGGER hammer_claim AFTER UPDATE OF owner ON executions
  FOR EACH STATEMENT EXECUTE FUNCTION hammer_pause(0.05, 0.1);
CREATE TRIGGER hammer_signal AFTER INSERT ON inbox FOR EACH STATEMENT EXECUTE FUNCTION hammer_pause(0.05, 0.1)`;

export async function createLedgers(pool: pg.Pool): Promise<void> {
  await pool.query(LEDGERS);
  await pool.query(DELAYS);
}

/** From here on every transaction is as quick as it can be. */
export async function endDelays(pool: pg.Pool): Promise<void> {
  await pool.query(
    'CREATE OR REPLACE FUNCTION hammer_pause() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$',
  );
}
