/** Finds and reads the files of `-f`, in Logstash's order. */
import { existsSync, globSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { SourceFile } from '../config/ast.ts';
import { messageOf } from '../util/errors.ts';

/** Nothing to run, or a file that cannot be read; the message is for the user. */
export class ConfigLoadError extends Error {
  override name = 'ConfigLoadError';
}

/** @throws ConfigLoadError */
export function readConfigFiles(pattern: string, warn: (message: string) => void): SourceFile[] {
  if (/^https?:\/\//.test(pattern)) {
    throw new ConfigLoadError(`${pattern}: configurations are not fetched over the network; download the file first`);
  }
  const paths = expandPattern(pattern).filter((path) => !isBackup(path, warn));
  if (paths.length === 0) {
    throw new ConfigLoadError(
      `No config files found in path ${pattern}; give a file, a directory, or a glob in quotes`,
    );
  }
  return paths.map(readConfigFile);
}

/** A directory stands for every file in it, without its sub-directories. */
function expandPattern(pattern: string): string[] {
  if (existsSync(pattern)) {
    if (!statSync(pattern).isDirectory()) return [pattern];
    return readdirSync(pattern)
      .sort()
      .map((name) => join(pattern, name))
      .filter(isNoDirectory);
  }
  return globSync(pattern).sort().filter(isNoDirectory);
}

/** A link that leads nowhere counts as a file, which then cannot be read. */
function isNoDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true;
}

function isBackup(path: string, warn: (message: string) => void): boolean {
  if (!path.endsWith('~')) return false;
  warn(`${path} is skipped: a name ending in ~ is taken for a backup`);
  return true;
}

function readConfigFile(path: string): SourceFile {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new ConfigLoadError(`${path} cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
  try {
    return { path, text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch (error) {
    throw new ConfigLoadError(`${path} is not UTF-8: save it in that encoding`, { cause: error });
  }
}

/** `-e` needs no input or output of its own. */
export function configString(text: string): SourceFile {
  const has = (section: string) => new RegExp(`(^|[\\s}])${section}\\s*\\{`).test(text);
  const input = has('input') ? '' : '\ninput { stdin { type => stdin } }';
  const output = has('output') ? '' : '\noutput { stdout { codec => rubydebug } }';
  return { path: 'config string', text: `${text}${input}${output}` };
}
