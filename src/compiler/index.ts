/** Configuration texts to a pipeline that is ready to be built and run. */
import type { SourceFile } from '../config/ast.ts';
import { parseConfig } from '../config/parse.ts';
import type { PluginRegistry } from '../plugin-api/index.ts';
import { Reporter } from './reporter.ts';
import { type ResolvedPipeline, resolvePipeline } from './resolve.ts';

export { type InputDecorationOptions, inputDecoration } from './decorate.ts';
export { eventFailure } from './eventFailure.ts';
export { fieldTypesByOutput } from './fieldTypes.ts';
export { buildProgram, type Program, type ProgramStats } from './program.ts';
export { Reporter } from './reporter.ts';
export type { ResolvedPipeline } from './resolve.ts';
export { openCodec, type ResolvedPlugin, reportPluginError } from './resolvePlugin.ts';

export interface CompileSettings {
  readonly registry: PluginRegistry;
  readonly variable: (name: string) => string | undefined;
  readonly supportEscapes: boolean;
  readonly fileExists: (path: string) => boolean;
}

/** All faults of all files are in the reporter; with an error among them the pipeline must not run. */
export async function compile(
  files: readonly SourceFile[],
  settings: CompileSettings,
): Promise<{ pipeline: ResolvedPipeline; reporter: Reporter }> {
  const reporter = new Reporter(files);
  const parsed = files.map(parseConfig);
  for (const { diagnostics } of parsed) reporter.add(...diagnostics);
  const pipeline = await resolvePipeline(
    parsed.map(({ config }) => config),
    { ...settings, reporter },
  );
  return { pipeline, reporter };
}
