import type { ArrayFormat } from '../../asl/index.js';
import type { Json } from '../../std/json.js';

/**
 * A body as application/x-www-form-urlencoded
 * (https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html#url-encode-request-body). Members of
 * members are named in brackets; what arrays look like is said by `format`. Text is taken to be encoded already.
 */
export function encodeForm(body: Json, format: ArrayFormat): string {
  if (typeof body === 'string') return body;
  const pairs: [string, string][] = [];
  collect(pairs, '', body, format);
  return pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&');
}

function collect(pairs: [string, string][], name: string, value: Json, format: ArrayFormat): void {
  if (Array.isArray(value)) {
    if (format === 'COMMAS' && value.every((one) => typeof one !== 'object' || one === null)) {
      if (value.length > 0) pairs.push([name, value.map(textOf).join(',')]);
      return;
    }
    for (const [index, one] of value.entries()) collect(pairs, nameOfItem(name, index, format), one, format);
    return;
  }
  if (typeof value === 'object' && value !== null) {
    for (const [member, one] of Object.entries(value))
      collect(pairs, name === '' ? member : `${name}[${member}]`, one, format);
    return;
  }
  pairs.push([name, textOf(value)]);
}

/** Objects cannot be told apart in a list with commas: they are numbered there, too. */
function nameOfItem(name: string, index: number, format: ArrayFormat): string {
  switch (format) {
    case 'REPEAT':
      return name;
    case 'BRACKETS':
      return `${name}[]`;
    case 'INDICES':
    case 'COMMAS':
      return `${name}[${index}]`;
  }
}

function textOf(value: Json): string {
  if (value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Percent-encoding throughout, spaces too, as AWS does. Half a surrogate pair has none: it is replaced. */
export function encode(text: string): string {
  return encodeURIComponent(text.replace(/\p{Cs}/gu, '\ufffd'));
}
