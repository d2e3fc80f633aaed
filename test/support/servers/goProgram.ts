import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Component, install } from '../../../scripts/setup/components.ts';
import { findTool } from '../../../scripts/setup/tools.ts';

/** Path of a program: one in PATH goes before the cached one. */
export function findProgram(component: Component, name: string): string | undefined {
  const cached = join(component.directory(), name);
  return findTool(name) ?? (existsSync(cached) ? cached : undefined);
}

/** The same, fetched on first use. */
export function needProgram(component: Component, name: string): string {
  const found = findProgram(component, name);
  if (found !== undefined) return found;
  install(component);
  const installed = findProgram(component, name);
  if (installed === undefined) throw new Error(`${component.name} was fetched, but its program is not there.`);
  return installed;
}
