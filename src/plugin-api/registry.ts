import type { SectionKind } from '../config/ast.ts';
import type { PluginDefinition } from './plugin.ts';

export type PluginKind = SectionKind | 'codec';

/** Finds plugins by name. A definition is loaded when a configuration names it, so that the others cost nothing. */
export interface PluginRegistry {
  load(kind: PluginKind, name: string): Promise<PluginDefinition | undefined>;
  names(kind: PluginKind): readonly string[];
}
