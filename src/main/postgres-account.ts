import { execFileSync, spawnSync } from 'node:child_process';
import { chown } from 'node:fs/promises';
import { StartError } from './start-error.js';

/**
 * PostgreSQL refuses to run as root. Where we are root, it runs as the account `postgres`, which is made if
 * there is none; anywhere else it runs as ourselves.
 */
export interface PostgresAccount {
  /** The command that runs `program` under this account. */
  command(
    program: string,
    args: readonly string[],
  ): { file: string; args: string[]; uid?: number; gid?: number };
  /** Gives a file or an empty directory to this account. */
  own(path: string): Promise<void>;
}

/**
 * @param mustReach paths which the account has to get at: the programs and the data.
 * @throws StartError when we are root and neither the account nor its access can be had.
 */
export function findPostgresAccount(mustReach: readonly string[]): PostgresAccount {
  if (process.getuid?.() !== 0) {
    return { command: (file, args) => ({ file, args: [...args] }), own: async () => {} };
  }
  const { uid, gid } = lookUp() ?? create();
  const own = (path: string): Promise<void> => chown(path, uid, gid);
  const blocked = mustReach.filter((path) => !reaches(path, uid, gid));
  if (blocked.length === 0) {
    return { command: (file, args) => ({ file, args: [...args], uid, gid }), own };
  }
  // A checkout below /root: the account may not even look there. It is given that one right, and no other.
  const prefix = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...PASS_THROUGH, '--'];
  if (spawnSync('setpriv', [...prefix, 'true']).status !== 0) {
    throw new StartError(
      `PostgreSQL cannot run as root, and its account "${NAME}" cannot enter ${blocked.join(' and ')}; ` +
        'run as another user, or from a directory that others may enter',
    );
  }
  return { command: (file, args) => ({ file: 'setpriv', args: [...prefix, file, ...args] }), own };
}

const NAME = 'postgres';

// access(2), which initdb asks, forgets capabilities of an account that is not root unless told not to.
const PASS_THROUGH = [
  '--inh-caps=+dac_override',
  '--ambient-caps=+dac_override',
  '--securebits=+no_setuid_fixup',
];

interface Ids {
  uid: number;
  gid: number;
}

function lookUp(): Ids | undefined {
  const ask = (flag: string): number => {
    const answer = spawnSync('id', [flag, NAME], { encoding: 'utf8' });
    return answer.status === 0 ? Number(answer.stdout.trim()) : Number.NaN;
  };
  const ids = { uid: ask('-u'), gid: ask('-g') };
  return Number.isInteger(ids.uid) && Number.isInteger(ids.gid) ? ids : undefined;
}

function create(): Ids {
  try {
    execFileSync('groupadd', ['--system', '--force', NAME], { stdio: 'pipe' });
    execFileSync('useradd', ['--system', '--gid', NAME, '--no-create-home', NAME], { stdio: 'pipe' });
  } catch (cause) {
    throw new StartError(
      `PostgreSQL cannot run as root, and an account "${NAME}" for it cannot be made; run as another user`,
      { cause },
    );
  }
  const ids = lookUp();
  if (ids === undefined) throw new Error(`the account "${NAME}" was made but is not found`);
  return ids;
}

function reaches(path: string, uid: number, gid: number): boolean {
  return spawnSync('test', ['-x', path], { uid, gid, cwd: '/' }).status === 0;
}
