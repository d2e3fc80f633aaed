/** The entry of a worker thread. */
import { enableCompileCache } from 'node:module';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { registry } from '../plugins/index.ts';
import { runWorkerThread, type WorkerTask } from './workerThread.ts';

enableCompileCache();

await runWorkerThread(parentPort as MessagePort, workerData as WorkerTask, registry);
// All is settled by now: a connection that a library holds open must not hold the thread.
process.exit();
