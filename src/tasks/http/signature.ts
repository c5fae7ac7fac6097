import { createHmac } from 'node:crypto';

/**
 * The value of `Escapement-Signature`: `t=<seconds since the epoch>,v1=<hex>`, with a `v1` for each secret, so that
 * who checks with the one before or with the new one finds his. Each is the HMAC-SHA256, under the secret's text in
 * UTF-8, of `<t>.<body>`: an old body does not pass as a new one.
 */
export function signatureOf(secrets: readonly string[], timestamp: number, body: Buffer): string {
  const marks = secrets.map((secret) => {
    const hmac = createHmac('sha256', secret).update(`${timestamp}.`).update(body);
    return `v1=${hmac.digest('hex')}`;
  });
  return [`t=${timestamp}`, ...marks].join(',');
}
