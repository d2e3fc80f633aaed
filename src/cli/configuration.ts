/** The configuration that the arguments name: read, compiled, and its faults told. */
import { existsSync } from 'node:fs';
import { compile, type Reporter, type ResolvedPipeline } from '../compiler/index.ts';
import type { SourceFile } from '../config/ast.ts';
import { renderDiagnostics, summarize } from '../config/render.ts';
import { registry } from '../plugins/index.ts';
import { UsageError } from './arguments.ts';
import { configString, readConfigFiles } from './configFiles.ts';
import { type Options, textOption } from './subcommands.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ConfigurationArguments {
  readonly configPath: string | undefined;
  readonly configString: string | undefined;
  readonly supportEscapes: boolean;
}

export interface Configuration {
  readonly pipeline: ResolvedPipeline;
  readonly reporter: Reporter;
  readonly files: readonly SourceFile[];
}

/** @throws UsageError, ConfigLoadError */
export async function loadConfiguration(
  args: ConfigurationArguments,
  env: Environment,
  warn: (message: string) => void,
): Promise<Configuration> {
  const files = readFiles(args, warn);
  const { pipeline, reporter } = await compile(files, {
    registry,
    variable: (name) => env[name],
    supportEscapes: args.supportEscapes,
    fileExists: existsSync,
  });
  return { pipeline, reporter, files };
}

function readFiles(
  { configPath, configString: text }: ConfigurationArguments,
  warn: (message: string) => void,
): SourceFile[] {
  if (text !== undefined) return [configString(text)];
  if (configPath === undefined) {
    throw new UsageError("No configuration: give one with -f <file> or -e '<text>'. See: 'bin/logstash-ts --help'");
  }
  return readConfigFiles(configPath, warn);
}

/** Prints what was found, and tells whether errors are among it: warnings alone stop nothing. */
export function printFaults(reporter: Reporter, fileCount: number, env: Environment): boolean {
  if (reporter.diagnostics.length > 0) process.stderr.write(faultsText(reporter, fileCount, env));
  return reporter.hasErrors;
}

export function faultsText({ diagnostics }: Reporter, fileCount: number, env: Environment): string {
  const color = process.stderr.isTTY === true && !env['NO_COLOR'];
  return `${renderDiagnostics(diagnostics, { color })}\n${summarize(diagnostics, fileCount)}\n`;
}

/** The pipeline that the flags of a command name; nothing when it has errors, which are printed. @throws UsageError, ConfigLoadError */
export async function toolPipeline(
  options: Options,
  env: Environment,
  warn: (message: string) => void,
): Promise<ResolvedPipeline | undefined> {
  const args = {
    configPath: textOption(options, 'path.config'),
    configString: textOption(options, 'config.string'),
    supportEscapes: options['config.support_escapes'] === true,
  };
  if (args.configPath !== undefined && args.configString !== undefined) {
    throw new UsageError("Settings 'path.config' (-f) and 'config.string' (-e) can't be used simultaneously.");
  }
  const { pipeline, reporter, files } = await loadConfiguration(args, env, warn);
  return printFaults(reporter, files.length, env) ? undefined : pipeline;
}
