/** Writes MaxMind DB files (format 2.0), as far as test databases need it. */
import { DataSection, type MmdbMap, uint16, uint32 } from './mmdbValue.ts';

export interface MmdbMetadata {
  readonly databaseType: string;
  /** In English. */
  readonly description: string;
  readonly languages: readonly string[];
  readonly buildEpochSeconds: number;
  /** An IPv6 tree holds IPv4 networks too, at `::/96`. */
  readonly ipVersion: 4 | 6;
  readonly recordSize: 24 | 28 | 32;
}

const SEPARATOR_BYTES = 16;
const METADATA_MARKER = Buffer.from('ABCDEF4D61784D696E642E636F6D', 'hex');
const EMPTY = -1;

export class MmdbWriter {
  readonly #metadata: MmdbMetadata;
  readonly #data = new DataSection();
  /** Two records a node: a node's number, `EMPTY`, or `-2 - offset` of a value in the data section. */
  #records = new Int32Array(1 << 12).fill(EMPTY);
  #nodeCount = 1;

  constructor(metadata: MmdbMetadata) {
    this.#metadata = metadata;
  }

  /** Inserts a network such as `192.0.2.0/24` or `2001:db8::/32`. Of overlapping ones a later one wins. */
  insert(network: string, record: MmdbMap): void {
    const [address = '', length = ''] = network.split('/');
    if (address.includes(':')) {
      const bits = ipv6Bits(address);
      this.#insert(0, Number(length), (i) => bits[i] as number, record);
    } else this.insertIpv4(ipv4Number(address), Number(length), record);
  }

  /** @param address unsigned 32-bit number */
  insertIpv4(address: number, length: number, record: MmdbMap): void {
    let root = 0;
    if (this.#metadata.ipVersion === 6) for (let i = 0; i < 96; i++) root = this.#child(root * 2);
    this.#insert(root, length, (i) => (address >>> (31 - i)) & 1, record);
  }

  #insert(root: number, length: number, bit: (i: number) => number, record: MmdbMap): void {
    let node = root;
    for (let i = 0; i < length - 1; i++) node = this.#child(node * 2 + bit(i));
    this.#records[node * 2 + bit(length - 1)] = -2 - this.#data.add(record);
  }

  /** The node a record leads to. A network on the way is split: both halves get its value. */
  #child(index: number): number {
    const current = this.#records[index] as number;
    if (current >= 0) return current;
    const node = this.#nodeCount++;
    if (node * 2 + 2 > this.#records.length) {
      const larger = new Int32Array(this.#records.length * 2).fill(EMPTY);
      larger.set(this.#records);
      this.#records = larger;
    }
    this.#records.fill(current, node * 2, node * 2 + 2);
    this.#records[index] = node;
    return node;
  }

  toBuffer(): Buffer {
    const { bytes } = this.#data;
    return Buffer.concat([
      this.#tree(bytes.length),
      Buffer.alloc(SEPARATOR_BYTES),
      bytes,
      METADATA_MARKER,
      this.#about(),
    ]);
  }

  #tree(dataBytes: number): Buffer {
    const { recordSize } = this.#metadata;
    if (this.#nodeCount + SEPARATOR_BYTES + dataBytes >= 2 ** recordSize) {
      throw new RangeError(`the database needs records of more than ${recordSize} bits`);
    }
    const nodeBytes = recordSize / 4;
    const tree = Buffer.alloc(this.#nodeCount * nodeBytes);
    for (let node = 0; node < this.#nodeCount; node++) {
      writeNode(tree, node * nodeBytes, recordSize, this.#pointer(node * 2), this.#pointer(node * 2 + 1));
    }
    return tree;
  }

  #pointer(index: number): number {
    const record = this.#records[index] as number;
    if (record >= 0) return record;
    return record === EMPTY ? this.#nodeCount : this.#nodeCount + SEPARATOR_BYTES - 2 - record;
  }

  /** The metadata has a data section of its own. */
  #about(): Buffer {
    const { databaseType, description, languages, buildEpochSeconds, ipVersion, recordSize } = this.#metadata;
    const section = new DataSection();
    section.add({
      binary_format_major_version: uint16(2),
      binary_format_minor_version: uint16(0),
      build_epoch: BigInt(buildEpochSeconds),
      database_type: databaseType,
      description: { en: description },
      ip_version: uint16(ipVersion),
      languages,
      node_count: uint32(this.#nodeCount),
      record_size: uint16(recordSize),
    });
    return section.bytes;
  }
}

function writeNode(tree: Buffer, offset: number, recordSize: number, left: number, right: number): void {
  if (recordSize === 32) {
    tree.writeUInt32BE(left, offset);
    tree.writeUInt32BE(right, offset + 4);
    return;
  }
  // A node of 28-bit records keeps the high half bytes of both in its middle byte.
  const rightOffset = recordSize === 28 ? offset + 4 : offset + 3;
  if (recordSize === 28) tree[offset + 3] = ((left >>> 24) << 4) | (right >>> 24);
  tree.writeUIntBE(left & 0xffffff, offset, 3);
  tree.writeUIntBE(right & 0xffffff, rightOffset, 3);
}

function ipv4Number(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** Hexadecimal groups and at most one `::`. */
function ipv6Bits(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const groups = (part: string | undefined) => (part === undefined || part === '' ? [] : part.split(':'));
  const missing = tail === undefined ? 0 : 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...new Array<string>(missing).fill('0'), ...groups(tail)];
  return all.flatMap((group) => Array.from(Number.parseInt(group, 16).toString(2).padStart(16, '0'), Number));
}
