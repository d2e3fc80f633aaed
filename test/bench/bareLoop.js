// The bare loop that every figure is compared with: lines from stdin, parsed, printed and written to a file. Plain JavaScript, so that
// its start is not burdened with taking types off.
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';

const output = createWriteStream(process.argv[2]);
for await (const line of createInterface({ input: process.stdin })) {
  if (!output.write(`${JSON.stringify(JSON.parse(line))}\n`)) await once(output, 'drain');
}
output.end();
