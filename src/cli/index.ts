/** The command line: words in, an exit code out. What the words do is handed in by the composition root. */

interface Commands {
  /** Brings the database up to date; answers the names of the migrations applied. */
  migrate(): Promise<readonly string[]>;
  /** Whether a worker of this machine has a live heartbeat. */
  isWorkerAlive(): Promise<boolean>;
  /** Complaints about a definition, a line each; empty: it is valid. */
  validate(file: string): Promise<readonly string[]>;
}

const USAGE = `Usage: escapement <command>

  migrate            bring the database of DATABASE_URL up to date
  validate FILE      check a definition (JSON or YAML) and say everything that is wrong with it
  check-worker       exit 0 if a worker on this machine has a live heartbeat in DATABASE_URL, else 1
`;

/** Runs a command. @returns the exit code: 0 done, 1 the answer is no, 2 the words make no sense. */
export async function runCommand(
  words: readonly string[],
  commands: Commands,
  print: (text: string) => void,
): Promise<number> {
  const [command, ...rest] = words;
  if (command === 'migrate' && rest.length === 0) {
    const applied = await commands.migrate();
    print(applied.length === 0 ? 'The database is up to date.' : `Applied: ${applied.join(', ')}`);
    return 0;
  }
  if (command === 'validate' && rest.length === 1 && rest[0] !== undefined) {
    const complaints = await commands.validate(rest[0]);
    print(complaints.length === 0 ? 'The definition is valid.' : complaints.join('\n'));
    return complaints.length === 0 ? 0 : 1;
  }
  if (command === 'check-worker' && rest.length === 0) {
    const alive = await commands.isWorkerAlive();
    print(alive ? 'A worker of this machine is alive.' : 'No worker of this machine has a live heartbeat.');
    return alive ? 0 : 1;
  }
  print(USAGE);
  return command === undefined || command === '--help' || command === 'help' ? 0 : 2;
}
