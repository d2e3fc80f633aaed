/** What the action line looks like to one generation of servers. */
export interface Dialect {
  /** `_type` of a document that names none; undefined where it is left out. */
  readonly defaultType: string | undefined;
  /** Whether a configured `document_type` is sent. */
  readonly takesType: boolean;
  readonly retryOnConflict: 'retry_on_conflict' | '_retry_on_conflict';
  /** Takes the place of every index: the alias that index lifecycle management turns over. */
  readonly alias?: string;
}

/** Elasticsearch 7 takes `_type`, but warns of it: leaving it out means `_doc`, as Logstash sends. */
const SEVEN: Dialect = { defaultType: undefined, takesType: true, retryOnConflict: 'retry_on_conflict' };
const SIX: Dialect = { defaultType: 'doc', takesType: true, retryOnConflict: '_retry_on_conflict' };
const EIGHT: Dialect = { defaultType: undefined, takesType: false, retryOnConflict: 'retry_on_conflict' };

/** Assumed until the server has said what it is. */
export const ASSUMED_DIALECT = SEVEN;

export interface ServerInfo {
  /** `elasticsearch` or `opensearch`. */
  readonly distribution: string;
  /** As `GET /` says it: `7.9.2`. */
  readonly version: string;
}

export function dialectOf(server: ServerInfo): Dialect {
  // OpenSearch counts anew from 1; its first generation still knows types but needs none.
  if (server.distribution === 'opensearch' || isAtLeast(server, 8)) return EIGHT;
  return isAtLeast(server, 7) ? SEVEN : SIX;
}

/** Whether the version is this one or later; one that cannot be read counts as 7.0. */
export function isAtLeast({ version }: ServerInfo, major: number, minor = 0): boolean {
  const [, ownMajor = 7, ownMinor = 0] = (/^(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}

/** Reads the answer to `GET /`; undefined when it is not a server's. */
export function parseServerInfo(text: string): ServerInfo | undefined {
  try {
    const { version } = JSON.parse(text) as { version?: { number?: unknown; distribution?: unknown } };
    if (typeof version?.number !== 'string') return undefined;
    return { version: version.number, distribution: String(version.distribution ?? 'elasticsearch') };
  } catch {
    return undefined;
  }
}

/** The action line `line`, written for the assumed dialect, as `dialect` wants it. */
export function translateActionLine(line: string, dialect: Dialect): string {
  const [action, meta] = Object.entries(JSON.parse(line) as Record<string, Record<string, unknown>>)[0] ?? [];
  if (action === undefined || meta === undefined) return line;
  const { _type: type = dialect.defaultType, retry_on_conflict: retries, ...rest } = meta;
  const translated = {
    ...rest,
    ...(dialect.alias === undefined ? {} : { _index: dialect.alias }),
    ...(dialect.takesType && type !== undefined ? { _type: type } : {}),
    ...(retries === undefined ? {} : { [dialect.retryOnConflict]: retries }),
  };
  return JSON.stringify({ [action]: translated });
}
