import { nodeArguments, startChild } from '../support/servers/index.ts';
import { REPORT_PATH, type Reported } from './sinkReport.ts';

export const S3_BUCKET = 'bench';
export const S3_CREDENTIALS = { accessKeyId: 'AK', secretAccessKey: 'SK' };

export interface Sink {
  readonly url: string;
  /** What it has taken since it was last asked. */
  report(): Promise<Reported>;
  stop(): Promise<void>;
}

/** Starts a sink in a process of its own, so that its time does not count. */
export async function startSink(name: string, ...args: string[]): Promise<Sink> {
  const child = await startChild({
    name,
    command: process.execPath,
    args: nodeArguments(`test/bench/${name}.ts`, ...args),
    ready: async (sink) => sink.stdout().includes('\n'),
  });
  const { url, reportUrl = url }: { url: string; reportUrl?: string } = JSON.parse(child.stdout());
  return {
    url,
    report: async () => (await (await fetch(reportUrl + REPORT_PATH)).json()) as Reported,
    stop: () => child.stop(),
  };
}
