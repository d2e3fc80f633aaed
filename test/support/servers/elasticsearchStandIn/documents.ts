import { randomBytes } from 'node:crypto';
import type { Mapping } from './mapping.ts';

export interface StoredDocument {
  readonly id: string;
  readonly version: number;
  readonly sequence: number;
  /** JSON text as it came, so that a test sees number forms and key order. */
  readonly source: string;
}

/** Indices and their documents, in memory, in the order of their first write. */
export class DocumentStore {
  readonly indices = new Map<string, Map<string, StoredDocument>>();
  readonly #mappings = new Map<string, Mapping>();
  /** Indices of these patterns map nothing (`"dynamic": false`), so that they refuse nothing. */
  readonly #unmapped: RegExp[] = [];
  #sequence = 0;

  get(index: string, id: string): StoredDocument | undefined {
    return this.indices.get(index)?.get(id);
  }

  put(index: string, id: string | undefined, source: string): StoredDocument {
    const documents = this.index(index);
    const key = id ?? randomBytes(15).toString('base64url');
    const version = (documents.get(key)?.version ?? 0) + 1;
    const document = { id: key, version, sequence: this.#sequence++, source };
    documents.set(key, document);
    return document;
  }

  remove(index: string, id: string): void {
    this.indices.get(index)?.delete(id);
  }

  index(name: string): Map<string, StoredDocument> {
    let documents = this.indices.get(name);
    if (documents === undefined) {
      documents = new Map();
      this.indices.set(name, documents);
    }
    return documents;
  }

  mapping(index: string): Mapping {
    let mapping = this.#mappings.get(index);
    if (mapping === undefined) {
      mapping = new Map();
      this.#mappings.set(index, mapping);
    }
    return mapping;
  }

  /** For a template with `"dynamic": false`. */
  leaveUnmapped(patterns: readonly string[]): void {
    this.#unmapped.push(...patterns.map(toPattern));
  }

  isMapped(index: string): boolean {
    return !this.#unmapped.some((pattern) => pattern.test(index));
  }

  drop(index: string): void {
    this.indices.delete(index);
    this.#mappings.delete(index);
  }

  /** Names that an expression such as `accesslog-*,other` or `_all` stands for. */
  match(expression: string): string[] {
    const patterns = expression.split(',').map(toPattern);
    return [...this.indices.keys()].filter((name) => patterns.some((pattern) => pattern.test(name))).sort();
  }
}

function toPattern(expression: string): RegExp {
  const glob = expression === '' || expression === '_all' ? '*' : expression;
  const escaped = glob.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${escaped}$`);
}
