/** `JSON.parse` with source access and `JSON.rawJSON`: in the engine, not yet in TypeScript's library types. */
interface JSON {
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
  /** A value that `JSON.stringify` prints as `text`, which must be a JSON scalar. */
  rawJSON(text: string): unknown;
}
