import { readFile } from 'node:fs/promises';
import { Reader, type Response } from 'maxmind';
import { PluginConfigError } from '../../../plugin-api/index.ts';
import { type DatabaseKind, databaseKind, SUPPORTED_TYPES } from './databaseKinds.ts';
import { RecordReader } from './recordReader.ts';
import { SearchTree } from './searchTree.ts';

/** An open file. It never changes, so that all filters of a process share it. */
export interface Database {
  readonly path: string;
  readonly kind: DatabaseKind;
  /** What the file says about itself, in English. */
  readonly description: string;
  readonly builtAt: Date;
  readonly tree: SearchTree;
  readonly reader: RecordReader;
}

type Metadata = Reader<Response>['metadata'];

/** @throws PluginConfigError when the file is unreadable, damaged, or of a type that geoip does not know */
export async function openDatabase(path: string): Promise<Database> {
  const bytes = await readFile(path).catch((error: Error) => {
    throw unusable(path, `cannot be read: ${error.message}`, error);
  });
  const dataEnd = findMetadata(path, bytes);
  const metadata = readMetadata(path, bytes);
  const kind = databaseKind(metadata.databaseType);
  if (kind === undefined) {
    throw unusable(
      path,
      `is of type ${metadata.databaseType}, which geoip does not support; use one of ${SUPPORTED_TYPES}`,
    );
  }
  const treeBytes = (metadata.nodeCount * metadata.recordSize) / 4;
  if (treeBytes + 16 > dataEnd) {
    throw damaged(path, `it should hold ${metadata.nodeCount} nodes but ends before that`);
  }
  const tree = new SearchTree(bytes, metadata);
  const reader = new RecordReader(bytes, tree.dataStart, dataEnd);
  return { path, kind, description: englishDescription(metadata), builtAt: metadata.buildEpoch, tree, reader };
}

const METADATA_MARKER = Buffer.from('ABCDEF4D61784D696E642E636F6D', 'hex');

/** Where the data section ends. */
function findMetadata(path: string, bytes: Buffer): number {
  const start = bytes.lastIndexOf(METADATA_MARKER);
  if (start >= 0) return start;
  if (bytes.length === 0) throw unusable(path, 'is empty');
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) throw unusable(path, 'is compressed: unpack it with gunzip or tar -xzf');
  throw unusable(path, 'is no MaxMind DB file, or was cut off: it has no metadata at its end');
}

function readMetadata(path: string, bytes: Buffer): Metadata {
  let metadata: Metadata;
  try {
    metadata = new Reader(bytes).metadata;
  } catch (error) {
    throw damaged(path, (error as Error).message, error);
  }
  const { databaseType, nodeCount, ipVersion } = metadata;
  if (typeof databaseType !== 'string') throw damaged(path, 'it does not say of which type it is');
  if (!Number.isSafeInteger(nodeCount) || nodeCount < 1) throw damaged(path, `its node count is ${nodeCount}`);
  if (ipVersion !== 4 && ipVersion !== 6) throw damaged(path, `its IP version is ${ipVersion}`);
  return metadata;
}

/** `maxmind` types the description as text; the format has one for each language. */
function englishDescription({ description, databaseType }: Metadata): string {
  return (description as { en?: string } | undefined)?.en ?? databaseType;
}

function damaged(path: string, reason: string, cause?: unknown): PluginConfigError {
  return unusable(path, `is damaged: ${reason}; get it anew`, cause);
}

function unusable(path: string, reason: string, cause?: unknown): PluginConfigError {
  return new PluginConfigError(`the database ${path} ${reason}`, 'database', cause);
}
