import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Sees to it that a child does not outlive this process, however this process ends: also by `kill -9`,
 * when no handler of ours runs any more.
 *
 * A tiny shell holds the other end of a pipe. The kernel closes the pipe when we die; the shell then reads
 * the end of the file, interrupts the child and removes `scratchDir`, if one is given. A line on the pipe
 * means that the child has already ended in an orderly way. It runs in a process group of its own, so that
 * Ctrl-C in a terminal reaches us alone. Windows has no such shell: there the child is left to itself.
 */
export function guardAgainstOrphaning(child: ChildProcess, scratchDir = ''): void {
  if (child.pid === undefined || process.platform === 'win32') return;
  const guard = spawn('/bin/sh', ['-c', SCRIPT, 'orphan-guard', String(child.pid), scratchDir], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
  });
  guard.on('error', () => child.kill('SIGINT')); // no shell, no guard: then rather no child
  guard.stdin.on('error', () => {}); // the guard was killed by somebody; the child goes on without it
  guard.unref();
  child.once('exit', () => guard.stdin.end('done\n'));
}

const SCRIPT = `
read -r line && exit 0
kill -INT "$1"
[ -n "$2" ] || exit 0
while kill -0 "$1"; do sleep 0.1; done
rm -rf "$2"
`;
