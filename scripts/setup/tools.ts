import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { basename, delimiter, join } from 'node:path';

export type Tool = 'java' | 'javac' | 'mvn' | 'go';

const USUAL_PLACES = ['/usr/local/go/bin', '/usr/lib/go/bin'];

/** The path of a program in PATH, or where its installer usually puts it. */
export function findTool(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...USUAL_PLACES];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** Names what is missing: "java and mvn are not in PATH"; undefined when all are there. */
export function missingTools(tools: readonly Tool[]): string | undefined {
  const missing = tools.filter((tool) => findTool(tool) === undefined);
  if (missing.length === 0) return undefined;
  return `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not in PATH`;
}

/** Runs a program to its end; a failure carries the last lines it wrote. */
export function runTool(tool: Tool, args: readonly string[], env: NodeJS.ProcessEnv = {}): void {
  runProgram(findTool(tool) ?? tool, args, env);
}

export function runProgram(path: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): void {
  const result = spawnSync(path, args, {
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (result.status === 0) return;
  const reason = result.error?.message ?? `exit code ${result.status ?? result.signal}`;
  const tail = `${result.stdout ?? ''}${result.stderr ?? ''}`.trimEnd().split('\n').slice(-20).join('\n');
  throw new Error(`${basename(path)} failed (${reason}). It last wrote:\n${tail}`);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
