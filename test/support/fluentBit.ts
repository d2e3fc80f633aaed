/** Regular expressions of a Fluent Bit parsers file by parser name. */
export function fluentBitParsers(text: string): Map<string, RegExp> {
  const parsers = new Map<string, RegExp>();
  for (const section of text.split('[PARSER]').slice(1)) {
    const name = /^ +Name +(\S+)$/m.exec(section)?.[1];
    const pattern = /^ +Regex (.*)$/m.exec(section)?.[1];
    if (name !== undefined && pattern !== undefined) parsers.set(name, new RegExp(pattern));
  }
  return parsers;
}

/** The fields Fluent Bit makes of a line: empty captures are left out, a line that does not match comes as `log`. */
export function parseLine(parsers: ReadonlyMap<string, RegExp>, name: string, line: string): Record<string, string> {
  const groups = parsers.get(name)?.exec(line)?.groups;
  if (groups === undefined) return { log: line };
  return Object.fromEntries(Object.entries(groups).filter(([, value]) => value));
}
