/** IP addresses as text, read and printed by the rules of Java's `InetAddress`, but never resolved by DNS. */

export interface Address {
  /** As Java prints it: IPv6 without `::`, IPv4-mapped addresses as IPv4. */
  readonly text: string;
  /** The bits of an IPv4 address, as a signed number; 0 when it is IPv6. */
  readonly ipv4: number;
  /** Eight groups of 16 bits. */
  readonly ipv6: Uint16Array | undefined;
}

/** `undefined` for all that Java would ask DNS about, host names above all, and for malformed addresses. */
export function parseAddress(text: string): Address | undefined {
  const bytes = Buffer.from(`"${text}"`);
  const ipv4 = parseDottedQuad(bytes, 1, bytes.length - 1);
  return ipv4 === undefined ? parseOther(text) : { text, ipv4, ipv6: undefined };
}

const DOT = 46;
const ZERO = 48;

/**
 * The bits of an address in its usual form, four numbers without leading zeros, as a signed number.
 * @param bytes have the text at `start` to `end`, and a quote behind it
 */
export function parseDottedQuad(bytes: Uint8Array, start: number, end: number): number | undefined {
  let address = 0;
  let at = start;
  for (let left = 3; ; left--) {
    let octet = (bytes[at++] as number) - ZERO;
    if (octet < 0 || octet > 9) return undefined;
    for (let more = 2; more > 0 && octet > 0; more--) {
      const digit = (bytes[at] as number) - ZERO;
      if (digit < 0 || digit > 9) break;
      octet = octet * 10 + digit;
      at++;
    }
    if (octet > 255) return undefined;
    address = (address << 8) | octet;
    if (left === 0) return at === end ? address : undefined;
    if (bytes[at++] !== DOT) return undefined;
  }
}

function parseOther(text: string): Address | undefined {
  const bracketed = text.startsWith('[');
  if (bracketed && (text.length <= 2 || !text.endsWith(']'))) return undefined;
  const literal = bracketed ? text.slice(1, -1) : text;
  const ipv4 = parseIpv4(literal);
  if (ipv4 !== undefined) return bracketed ? undefined : ipv4Address(ipv4);
  return parseIpv6(literal);
}

function ipv4Address(unsigned: number): Address {
  const ipv4 = unsigned | 0;
  return { text: [ipv4 >>> 24, (ipv4 >>> 16) & 255, (ipv4 >>> 8) & 255, ipv4 & 255].join('.'), ipv4, ipv6: undefined };
}

/** One to four decimal parts; the last one fills all bytes that are left, and leading zeros mean nothing. */
function parseIpv4(text: string): number | undefined {
  if (text.length > 15 || !/^\d+(\.\d+){0,3}$/.test(text)) return undefined;
  const parts = text.split('.').map(Number);
  const last = parts.pop() as number;
  if (parts.some((part) => part > 255) || last >= 256 ** (4 - parts.length)) return undefined;
  return parts.reduce((sum, part, i) => sum + part * 256 ** (3 - i), last);
}

const JAVA_INT_MAX = 2 ** 31 - 1;
/** A zone must be a number: Java looks up interface names on its own machine, which say nothing about the address. */
const IPV6 = /^([0-9A-Fa-f:.]+)(%\d+)?$/;

function parseIpv6(text: string): Address | undefined {
  const [, literal, zone = ''] = IPV6.exec(text) ?? [];
  if (literal === undefined) return undefined;
  const groups = parseGroups(literal);
  if (groups === undefined) return undefined;
  const scope = Number(zone.slice(1));
  if (scope > JAVA_INT_MAX) return undefined;
  if (isIpv4Mapped(groups)) {
    return zone === '' ? ipv4Address((groups[6] as number) * 65_536 + (groups[7] as number)) : undefined;
  }
  const address = groups.map((group) => group.toString(16)).join(':');
  return { text: zone === '' ? address : `${address}%${scope}`, ipv4: 0, ipv6: Uint16Array.from(groups) };
}

function isIpv4Mapped(groups: readonly number[]): boolean {
  return groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0);
}

/** `::` may stand for no group less than one. */
function parseGroups(literal: string): number[] | undefined {
  const halves = literal.split('::');
  if (halves.length > 2) return undefined;
  const groups = halves.map((half, i) => parseHalf(half, i === halves.length - 1));
  if (groups.includes(undefined)) return undefined;
  const [head = [], tail] = groups;
  if (tail === undefined) return head.length === 8 ? head : undefined;
  const missing = 8 - head.length - tail.length;
  return missing > 0 ? [...head, ...new Array<number>(missing).fill(0), ...tail] : undefined;
}

function parseHalf(half: string, isLast: boolean): number[] | undefined {
  if (half === '') return [];
  const groups: number[] = [];
  const parts = half.split(':');
  for (const [i, part] of parts.entries()) {
    if (part.includes('.')) {
      const ipv4 = isLast && i === parts.length - 1 && part.split('.').length === 4 ? parseIpv4(part) : undefined;
      if (ipv4 === undefined) return undefined;
      groups.push(ipv4 >>> 16, ipv4 & 0xffff);
    } else {
      const group = part === '' ? Number.NaN : Number.parseInt(part, 16);
      if (!(group <= 0xffff)) return undefined;
      groups.push(group);
    }
  }
  return groups;
}

/** Ranges that no public database knows: private, loopback, link-local, documentation, multicast, reserved. */
export const SPECIAL_IPV4: readonly (readonly [base: string, bits: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
];

const specialIpv4 = SPECIAL_IPV4.map(([base, bits]) => {
  return { first: base.split('.').reduce((sum, part) => sum * 256 + Number(part), 0), size: 2 ** (32 - bits) };
});

export function isSpecialPurpose({ ipv4, ipv6 }: Address): boolean {
  if (ipv6 === undefined) return isSpecialIpv4(ipv4);
  const [first = 0, second = 0] = ipv6;
  if ((first & 0xfe00) === 0xfc00 || (first & 0xffc0) === 0xfe80 || first >= 0xff00) return true;
  if (first === 0x2001 && second === 0xdb8) return true;
  return ipv6.subarray(0, 7).every((group) => group === 0) && (ipv6[7] as number) <= 1;
}

export function isSpecialIpv4(ipv4: number): boolean {
  const unsigned = ipv4 >>> 0;
  return specialIpv4.some(({ first, size }) => unsigned >= first && unsigned < first + size);
}
