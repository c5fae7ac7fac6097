/** Jest loads its global set-up without its own transformer; so this file is plain, and brings ours. */
import '../../scripts/typescript.js';

export default async function start() {
  const { startEnvironment } = await import('./environment.ts');
  await startEnvironment();
}
