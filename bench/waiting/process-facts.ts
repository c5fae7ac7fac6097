/** What the kernel says of a process. Linux only. */
import { readdir, readFile, readlink } from 'node:fs/promises';

export async function factsOf(pid: number): Promise<{ rssMb: number; sockets: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kb = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
  const files = await readdir(`/proc/${pid}/fd`);
  const targets = await Promise.all(files.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
  return { rssMb: kb / 1024, sockets: targets.filter((target) => target.startsWith('socket:')).length };
}

/** The CPU time that a process has had, in ms. See proc(5): the 14th and 15th field, in ticks of 10 ms. */
export async function cpuMs(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
