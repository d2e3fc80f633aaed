/** Finds the record of an address in the binary tree at the front of a MaxMind DB file. */
import type { Address } from './address.ts';

export interface TreeLayout {
  readonly nodeCount: number;
  /** Bits of one of the two records of a node. */
  readonly recordSize: number;
  readonly ipVersion: number;
}

/** Most bits of an IPv4 address that the table answers at once; the walk goes on from there. Of 20 bits it takes 4 MiB. */
const TABLE_BITS_MAX = 20;
const SEPARATOR_BYTES = 16;

export class SearchTree {
  /** Where the data section starts in the file. */
  readonly dataStart: number;
  readonly #bytes: Uint8Array;
  readonly #nodeCount: number;
  readonly #recordSize: number;
  readonly #nodeBytes: number;
  readonly #hasIpv6: boolean;
  readonly #tableBits: number;
  readonly #table: Uint32Array;

  constructor(bytes: Uint8Array, { nodeCount, recordSize, ipVersion }: TreeLayout) {
    this.#bytes = bytes;
    this.#nodeCount = nodeCount;
    this.#recordSize = recordSize;
    this.#nodeBytes = recordSize / 4;
    this.#hasIpv6 = ipVersion === 6;
    this.dataStart = nodeCount * this.#nodeBytes + SEPARATOR_BYTES;
    // A few places for each node: a small database has no use for a large table.
    this.#tableBits = Math.min(TABLE_BITS_MAX, Math.ceil(Math.log2(nodeCount)) + 2);
    this.#table = new Uint32Array(1 << this.#tableBits);
    this.#fillTable(this.#ipv4Root(), 0, 0);
  }

  /** The record's offset in the file, which may lie outside of a damaged one; -1 when no network holds the address. */
  find({ ipv4, ipv6 }: Address): number {
    if (ipv6 === undefined) return this.findIpv4(ipv4);
    return this.#hasIpv6 ? this.#offset(this.#findIpv6(ipv6)) : -1;
  }

  /** The same of an IPv4 address as a number, signed or not. */
  findIpv4(address: number): number {
    return this.#offset(this.#findIpv4(address));
  }

  #findIpv4(address: number): number {
    const bitsLeft = 32 - this.#tableBits;
    let record = this.#table[address >>> bitsLeft] as number;
    if (record >= this.#nodeCount) return record;
    if (this.#recordSize === 28) return this.#findBelow28(record, address, bitsLeft);
    for (let bit = bitsLeft - 1; bit >= 0 && record < this.#nodeCount; bit--) {
      record = this.#record(record, (address >>> bit) & 1);
    }
    return record;
  }

  /** By far the most databases: what `#record` does, but without asking at each step. */
  #findBelow28(top: number, address: number, bitsLeft: number): number {
    const bytes = this.#bytes;
    const nodeCount = this.#nodeCount;
    let record = top;
    for (let bit = bitsLeft - 1; bit >= 0 && record < nodeCount; bit--) {
      const start = record * 7;
      const middle = bytes[start + 3] as number;
      record =
        ((address >>> bit) & 1) === 0
          ? ((middle >>> 4) << 24) | uint24(bytes, start)
          : ((middle & 15) << 24) | uint24(bytes, start + 4);
    }
    return record;
  }

  #findIpv6(groups: Uint16Array): number {
    let record = 0;
    for (let i = 0; i < 128 && record < this.#nodeCount; i++) {
      record = this.#record(record, ((groups[i >> 4] as number) >>> (15 - (i & 15))) & 1);
    }
    return record;
  }

  #offset(record: number): number {
    return record > this.#nodeCount ? record - this.#nodeCount + this.dataStart - SEPARATOR_BYTES : -1;
  }

  /** IPv4 networks stand at `::/96` of an IPv6 tree. */
  #ipv4Root(): number {
    let record = 0;
    if (this.#hasIpv6) for (let i = 0; i < 96 && record < this.#nodeCount; i++) record = this.#record(record, 0);
    return record;
  }

  #fillTable(record: number, prefix: number, length: number): void {
    const rest = this.#tableBits - length;
    if (rest === 0 || record >= this.#nodeCount) {
      this.#table.fill(record, prefix << rest, (prefix + 1) << rest);
      return;
    }
    this.#fillTable(this.#record(record, 0), prefix << 1, length + 1);
    this.#fillTable(this.#record(record, 1), (prefix << 1) | 1, length + 1);
  }

  #record(node: number, side: number): number {
    const bytes = this.#bytes;
    const start = node * this.#nodeBytes;
    if (this.#recordSize === 24) return uint24(bytes, start + side * 3);
    // The middle byte of a node of 28-bit records holds the high half byte of both.
    if (this.#recordSize === 28) {
      const middle = bytes[start + 3] as number;
      const high = side === 0 ? middle >>> 4 : middle & 15;
      return (high << 24) | uint24(bytes, start + side * 4);
    }
    return (bytes[start + side * 4] as number) * 2 ** 24 + uint24(bytes, start + side * 4 + 1);
  }
}

function uint24(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
}
