/** The entry of the program: looks at the arguments, and loads no more than they need. */
import { enableCompileCache } from 'node:module';

enableCompileCache();

const args = process.argv.slice(2);
if (args.length === 1 && (args[0] === '-V' || args[0] === '--version')) {
  const { versionLine } = await import('./version.ts');
  process.stdout.write(`${versionLine()}\n`);
} else if (args[0] === 'kinesis') {
  const { runKinesis } = await import('./kinesis.ts');
  process.exitCode = await runKinesis(args.slice(1), process.env);
} else if (args[0] === 'dlq') {
  const { runDlq } = await import('./dlq.ts');
  process.exitCode = await runDlq(args.slice(1), process.env);
} else if (args[0] === 'queue') {
  const { runQueue } = await import('./queue.ts');
  process.exitCode = await runQueue(args.slice(1), process.env);
} else if (args[0] === 'template') {
  const { runTemplate } = await import('./template.ts');
  process.exitCode = await runTemplate(args.slice(1), process.env);
} else {
  const { runCommand } = await import('./command.ts');
  process.exitCode = await runCommand(args, process.env);
}

/** All is done and written by now. A connection that a library cannot be made to close, as to an agent that is silent, must not hold the process. */
const LINGER_MS = 1_000;
setTimeout(() => process.exit(), LINGER_MS).unref();
