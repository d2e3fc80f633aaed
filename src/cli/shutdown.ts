/** Signals: the first asks for a drain, a second SIGINT ends the process at once. */
import type { PipelineSnapshot } from '../runtime/snapshot.ts';
import type { Logger } from '../util/logger.ts';

/** A pipeline, as far as it can be stopped. */
export interface Stoppable {
  stop(): void;
  snapshot(): PipelineSnapshot | Promise<PipelineSnapshot>;
}

export interface Shutdown {
  readonly requested: boolean;
  /** Takes the handlers away again. */
  end(): void;
}

const STALL_REPORT_MS = 5000;

export function superviseShutdown(pipeline: Stoppable, logger: Logger, unsafe: boolean): Shutdown {
  let requested = false;
  let stallReports: NodeJS.Timeout | undefined;

  function begin(signal: string): void {
    if (requested) {
      if (signal !== 'SIGINT') return;
      logger.fatal('SIGINT received. Terminating immediately..');
      process.exit(1);
    }
    requested = true;
    logger.warn(`${signal} received. Shutting down.`);
    if (unsafe) {
      logger.warn('pipeline.unsafe_shutdown: unsettled events are left to a replay');
      process.exit(0);
    }
    pipeline.stop();
    stallReports = setInterval(() => void reportStall(pipeline, logger), STALL_REPORT_MS);
    stallReports.unref();
  }

  const onTerm = () => begin('SIGTERM');
  const onInt = () => begin('SIGINT');
  const onHangUp = () => logger.warn('SIGHUP received: reloading is not supported yet; restart to take up changes');
  process.on('SIGTERM', onTerm);
  process.on('SIGINT', onInt);
  process.on('SIGHUP', onHangUp);
  return {
    get requested() {
      return requested;
    },
    end() {
      clearInterval(stallReports);
      process.off('SIGTERM', onTerm);
      process.off('SIGINT', onInt);
      process.off('SIGHUP', onHangUp);
    },
  };
}

async function reportStall(pipeline: Stoppable, logger: Logger): Promise<void> {
  const { plugins } = await pipeline.snapshot();
  const waiting = plugins.filter(({ kind }) => kind === 'output').map(({ name, status }) => ({ name, ...status }));
  logger.warn('The shutdown process appears to be stalled: outputs have not settled everything yet', { waiting });
}
