/** The bare loop every figure is compared with: parse and print each line, nothing else. */
import { readFileSync } from 'node:fs';

const lines = readFileSync(process.argv[2] as string, 'utf8').split('\n');
let bytes = 0;
const before = process.cpuUsage();
for (const line of lines) if (line !== '') bytes += JSON.stringify(JSON.parse(line)).length;
const { user, system } = process.cpuUsage(before);
process.stdout.write(JSON.stringify({ cpuUs: user + system, bytes }));
