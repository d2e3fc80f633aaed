import { readFile } from 'node:fs/promises';
import type { CityResponse, Reader } from 'maxmind';
import { PluginConfigError } from '../../../plugin-api/index.ts';
import type { Address } from './address.ts';
import { type DatabaseKind, databaseKind, SUPPORTED_TYPES } from './databaseKinds.ts';

export interface Database {
  readonly path: string;
  readonly kind: DatabaseKind;
  readonly description: string;
  /** What the database knows of the network that holds the address. Shared: never to be changed. */
  find(address: Address): unknown;
}

/** @throws PluginConfigError when the file is unreadable, damaged, or of an unknown type */
export async function openDatabase(path: string): Promise<Database> {
  const bytes = await readFile(path).catch((error: Error) => {
    throw unusable(path, `cannot be read: ${error.message}`, error);
  });
  const { Reader: MaxmindReader } = await import('maxmind');
  let reader: Reader<CityResponse>;
  try {
    reader = new MaxmindReader(bytes);
  } catch (error) {
    throw unusable(path, `is no MaxMind DB file or is damaged: ${(error as Error).message}`, error);
  }
  const { databaseType, description } = reader.metadata;
  const kind = databaseKind(databaseType);
  if (kind === undefined) {
    throw unusable(
      path,
      `has the type ${JSON.stringify(databaseType)}, which geoip does not support; use one of ${SUPPORTED_TYPES}`,
    );
  }
  return {
    path,
    kind,
    description: englishDescription(description) ?? databaseType,
    find: (address) => reader.get(address.text),
  };
}

/** `maxmind` types the description as text; the format has one for each language. */
function englishDescription(description: unknown): string | undefined {
  return (description as { en?: string } | undefined)?.en;
}

function unusable(path: string, reason: string, cause?: unknown): PluginConfigError {
  return new PluginConfigError(`the database ${path} ${reason}`, 'database', cause);
}
