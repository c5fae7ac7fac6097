/**
 * `npm run conformance`: the recorded cases, against the language and the engine without a database or, with
 * `--through http`, against a service.
 * Ends with 0 when all that ran is as recorded, 1 when something differs, 2 when there is nothing to run.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { CORPUS, isAboutDefinition, readCorpus } from './corpus.js';
import { EXCEPTIONS } from './exceptions.js';
import { runThroughHttp } from './http/run.js';
import { type Options, readOptions, USAGE } from './options.js';
import { report } from './report.js';
import { runInMemory } from './runner.js';
import { hasFailed, tallyOf } from './tally.js';

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  // A service that does not start, a file that cannot be written: told in a line.
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  return 2;
});

async function main(args: readonly string[]): Promise<number> {
  let options: Options | 'help';
  try {
    options = readOptions(args);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
  if (options !== 'help') return run(options);
  say(USAGE);
  return 0;
}

async function run({ cases, category, id, level, through, slow, json }: Options): Promise<number> {
  const directory = cases ?? CORPUS;
  if (!existsSync(directory)) {
    say(`There are no conformance cases at ${directory}: nothing was run.\n`);
    // The corpus is not part of the project; a directory that was asked for by name should be there.
    return cases === undefined ? 0 : 2;
  }
  const { cases: all, complaints } = readCorpus(directory);
  for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
  const chosen = all
    .filter(isAboutDefinition)
    .filter((one) => (category === undefined || one.category === category) && one.id.includes(id));
  if (chosen.length === 0) {
    say(`None of the ${all.length} cases at ${directory} is about a definition and matches.\n`);
    return 2;
  }
  const results = through === 'http' ? await runThroughHttp(chosen, { slow }) : await runInMemory(chosen);
  const tally = tallyOf(results, level, EXCEPTIONS);
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(tally, undefined, 2)}\n`);
  say(report(tally));
  return hasFailed(tally) || complaints.length > 0 ? 1 : 0;
}

function say(text: string): void {
  process.stdout.write(text);
}
