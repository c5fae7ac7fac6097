/** The signature, checked with the very code that the guide shows. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { signatureOf } from '../../../src/tasks/http/signature.js';

const GUIDE = readFileSync(path.join(import.meta.dirname, '../../../docs/guides/http-tasks.md'), 'utf8');
const BODY = '{"total":"drei €"}';
const now = () => Math.floor(Date.now() / 1000);

/** The guide's block of code in a language that has this in it. */
function shown(language: string, name: string): string {
  const blocks = [...GUIDE.matchAll(/^```(\w+)\n(.*?)^```$/gms)];
  const found = blocks.find(([, of, code]) => of === language && code?.includes(name));
  if (found?.[2] === undefined) throw new Error(`the guide has no ${name} in ${language}`);
  return found[2];
}

/** What a program says. */
function run(command: string, args: readonly string[], code: string): string {
  const { stdout, stderr, status } = spawnSync(command, args, { input: code, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout.trim().toLowerCase();
}

const LANGUAGES: [string, (header: string, body: string, secret: string) => string][] = [
  [
    'JavaScript',
    (header, body, secret) => {
      const call = `console.log(isSigned(${[header, body, secret].map((text) => JSON.stringify(text)).join(', ')}));`;
      return run(process.execPath, ['--input-type=module'], `${shown('js', 'isSigned')}\n${call}`);
    },
  ],
  [
    'Python',
    (header, body, secret) => {
      const bytes = `bytes.fromhex("${Buffer.from(body).toString('hex')}")`;
      const call = `print(is_signed(${JSON.stringify(header)}, ${bytes}, ${JSON.stringify(secret)}))`;
      return run('python3', ['-'], `${shown('python', 'is_signed')}\n${call}`);
    },
  ],
];

describe.each(LANGUAGES)('whoever checks in %s', (_, check) => {
  test('takes what was signed with his secret, also beside another one', () => {
    expect(check(signatureOf(['mine'], now(), Buffer.from(BODY)), BODY, 'mine')).toBe('true');
    expect(check(signatureOf(['new', 'mine'], now(), Buffer.from(BODY)), BODY, 'mine')).toBe('true');
  });

  test('takes no other body, no other secret, and nothing old', () => {
    const signed = signatureOf(['mine'], now(), Buffer.from(BODY));
    expect(check(signed, '{"total":0}', 'mine')).toBe('false');
    expect(check(signed, BODY, 'other')).toBe('false');
    expect(check(signatureOf(['mine'], now() - 400, Buffer.from(BODY)), BODY, 'mine')).toBe('false');
    expect(check(signed.replace(/t=\d+/, `t=${now() + 1}`), BODY, 'mine')).toBe('false');
    expect(check('', BODY, 'mine')).toBe('false');
  });
});
