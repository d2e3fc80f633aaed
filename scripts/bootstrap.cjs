'use strict';
// Lets a fresh checkout run with any Node from 18 and npm: installs what the lock file names and is not there, then hands over to the
// pinned Node. Usage: node scripts/bootstrap.cjs <script> [arguments]. Plain JavaScript without dependencies, for old Nodes.
const { spawn, spawnSync } = require('node:child_process');
const { existsSync, readFileSync } = require('node:fs');
const path = require('node:path');

const root = path.resolve(__dirname, '..');
const node = path.join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');

function readJson(file) {
  try {
    return JSON.parse(readFileSync(path.join(root, file), 'utf8'));
  } catch {
    return undefined;
  }
}

/** What is missing or has another version than the lock file says; undefined when all is well. */
function whatIsMissing() {
  const manifest = readJson('package.json');
  const locked = readJson('package-lock.json')?.packages ?? {};
  const names = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
  for (const name of names) {
    const installed = readJson(`node_modules/${name}/package.json`)?.version;
    if (installed === undefined || installed !== locked[`node_modules/${name}`]?.version) return name;
  }
  return existsSync(node) ? undefined : `the pinned Node for ${process.platform} ${process.arch}`;
}

function install(missing) {
  process.stderr.write(`installing dependencies (${missing} is missing) …\n`);
  const isWindows = process.platform === 'win32';
  // No script of a package is needed, and this project's own build is for releases.
  const args = [
    'ci',
    '--ignore-scripts',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  // Its output goes to stderr: our stdout may be read by a script.
  const result = spawnSync(isWindows ? 'npm.cmd' : 'npm', args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: isWindows,
  });
  const still = whatIsMissing();
  if (result.status === 0 && still === undefined) return;
  process.stderr.write(`npm ci did not bring ${still ?? missing}. Run it by hand in ${root} to see why.\n`);
  process.exit(1);
}

function run(args) {
  const child = spawn(node, args, { stdio: 'inherit', cwd: root, shell: process.platform === 'win32' });
  // Ctrl-C reaches the child by the terminal; we only wait. What is sent to us alone goes on to it.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal === null ? code : 1));
  child.on('error', (error) => {
    process.stderr.write(`${node} cannot be started: ${error.message}\n`);
    process.exit(1);
  });
}

const missing = whatIsMissing();
if (missing !== undefined) install(missing);
run(process.argv.slice(2));
