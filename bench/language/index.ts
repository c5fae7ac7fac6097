/** `npm run bench -- language`: the language without anything around it, in one process, as ratios. */
import { cpus } from 'node:os';
import { median } from '../statistics.js';
import { type DuelResult, fight } from './duel.js';
import { jsonataTemplate } from './jsonata-template.js';
import { jsonpathTemplates } from './jsonpath-template.js';
import { mapOfPass } from './map-of-pass.js';
import { orderProcessing } from './order-processing.js';

/** Measures everything in that many rounds, and says a table in Markdown. */
export async function benchLanguage(
  { rounds, only }: { rounds: number; only: readonly string[] },
  say: (text: string) => void,
): Promise<void> {
  const all = [
    await orderProcessing({ calls: 'example', asText: true }),
    await orderProcessing({ calls: 'example', asText: false }),
    await orderProcessing({ calls: 'empty', asText: true }),
    await orderProcessing({ calls: 'empty', asText: false }),
    mapOfPass(true),
    mapOfPass(false),
    ...jsonpathTemplates(),
    jsonataTemplate(),
  ];
  const chosen = all.filter(({ name }) => only.length === 0 || only.some((part) => name.includes(part)));
  say(`${cpus()[0]?.model.trim() ?? 'unknown'}, Node ${process.versions.node}; one process, no database\n\n`);
  say(tableOf(await fight(chosen, rounds, say)));
  say(`\n${String(rounds)} rounds, medians; the ratio is the median of the rounds' ratios\n`);
}

function tableOf(results: readonly DuelResult[]): string {
  const rows = results.map(({ duel, ours, theirs, ratios }) => {
    const ratio = median(ratios);
    return [
      duel.name,
      duel.against,
      count(ours),
      count(theirs),
      ratio.toFixed(3),
      `${Math.min(...ratios).toFixed(3)}–${Math.max(...ratios).toFixed(3)}`,
      duel.target.toFixed(2),
      ratio >= duel.target ? 'yes' : 'no',
    ];
  });
  const lines = [
    ['what', 'against', 'ours, per second', 'theirs', 'ratio', 'min–max', 'target', 'held'],
    ['---', '---', '---:', '---:', '---:', '---:', '---:', '---'],
    ...rows,
  ];
  return `${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`;
}

function count(perSecond: number): string {
  return Math.round(perSecond).toLocaleString('en');
}
