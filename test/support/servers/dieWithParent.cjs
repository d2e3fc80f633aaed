'use strict';
// Preloaded into server processes that are written for Node. Our end of their stdin closes when we are gone, even by SIGKILL.
const net = require('node:net');

process.stdin.on('end', () => process.exit(0));
process.stdin.on('error', () => process.exit(0));
process.stdin.resume();
process.stdin.unref?.();

// Servers that offer no option for it would listen on every interface of the machine.
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function listenOnLoopback(...args) {
  const [first, second] = args;
  if (typeof first === 'object' && first !== null && 'port' in first) {
    return listen.call(this, { ...first, host: '127.0.0.1' }, ...args.slice(1));
  }
  if (typeof first !== 'number') return listen.apply(this, args);
  const rest = args.slice(typeof second === 'string' ? 2 : 1);
  return listen.call(this, first, '127.0.0.1', ...rest);
};
