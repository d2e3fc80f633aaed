/** Log lines in Logstash's two layouts. Own code, since the layout is part of what scripts of the original rely on. */
import type { LogFields, Logger } from '../util/logger.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogSettings {
  /** May change at any time. */
  readonly level: LogLevel;
  readonly format: 'plain' | 'json';
  readonly write: (line: string) => void;
  readonly now: () => number;
  /** Default `main`. */
  readonly thread?: string | undefined;
}

/** Whose line it is. */
export interface LogSource {
  /** `outputs.elasticsearch` */
  readonly name: string;
  readonly pipelineId?: string;
  readonly pluginId?: string;
}

export function createLogger(settings: LogSettings, source: LogSource): Logger {
  const { thread = 'main' } = settings;
  const print = settings.format === 'json' ? jsonLine(thread) : plainLine;
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}): void => {
      if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(settings.level)) return;
      settings.write(`${print(level, settings.now(), source, message, fields)}\n`);
    };
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
  };
}

function plainLine(level: LogLevel, timeMs: number, source: LogSource, message: string, fields: LogFields): string {
  const pipeline = source.pipelineId === undefined ? '' : `[${source.pipelineId}]`;
  const plugin = source.pluginId === undefined ? '' : `[${source.pluginId}]`;
  const head = `[${localTime(timeMs)}][${level.toUpperCase().padEnd(5)}][${source.name.padEnd(25)}]${pipeline}${plugin}`;
  return `${head} ${message}${fieldsText(fields)}`;
}

/** `2026-11-22T09:12:44,120` in local time, as log4j prints it. */
function localTime(timeMs: number): string {
  const local = new Date(timeMs - new Date(timeMs).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 23).replace('.', ',');
}

function fieldsText(fields: LogFields): string {
  const entries = Object.entries(fields);
  if (entries.length === 0) return '';
  return ` {${entries.map(([key, value]) => `:${key}=>${fieldText(value)}`).join(', ')}}`;
}

function fieldText(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(errorText(value));
  if (typeof value === 'bigint') return String(value);
  return jsonText(value);
}

/** A log line must not throw: not for a big integer, and not for what refers to itself. */
function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? item.toString() : item)) ?? String(value);
  } catch {
    return JSON.stringify(String(value));
  }
}

/** With its causes: the first line of a network fault is often only "fetch failed". */
function errorText(error: Error): string {
  const { cause } = error;
  const text = error.name === 'Error' ? error.message : `${error.name}: ${error.message}`;
  return cause instanceof Error ? `${text}; caused by ${errorText(cause)}` : text;
}

function jsonLine(thread: string) {
  return (level: LogLevel, timeMs: number, source: LogSource, message: string, fields: LogFields): string => {
    const { name: loggerName, pipelineId, pluginId } = source;
    const shown = Object.fromEntries(
      Object.entries(fields).map(([key, value]) => [key, value instanceof Error ? errorText(value) : value]),
    );
    const head = {
      level: level.toUpperCase(),
      loggerName,
      timeMillis: timeMs,
      thread,
      ...(pipelineId === undefined ? {} : { pipelineId }),
      ...(pluginId === undefined ? {} : { pluginId }),
    };
    const whole = jsonText({ ...head, logEvent: { message, ...shown } });
    return whole.startsWith('{') ? whole : JSON.stringify({ ...head, logEvent: { message } });
  };
}
