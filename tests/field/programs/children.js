// Node with its pool of threads and worker threads at work, which starts programs all the while.
'use strict';
const { execFile, execFileSync, fork, spawn } = require('child_process');
const { pbkdf2 } = require('crypto');
const { promisify } = require('util');
const { Worker, isMainThread, parentPort } = require('worker_threads');

if (process.send) {
  process.on('message', (n) => { process.send(n * n); process.disconnect(); });
} else if (!isMainThread) {
  parentPort.postMessage(execFileSync('sh', ['-c', 'echo $((6 * 7))']).toString().trim());
} else {
  main();
}

function forked(n) {
  return new Promise((resolve) => {
    const child = fork(__filename);
    child.once('message', resolve);
    child.send(n);
  });
}

function worker() {
  return new Promise((resolve) => new Worker(__filename).once('message', resolve));
}

function exitCode(n) {
  return new Promise((resolve) => spawn('sh', ['-c', `exit ${n}`]).once('exit', resolve));
}

async function main() {
  const hashes = [...Array(8).keys()].map((n) => promisify(pbkdf2)('secret', `${n}`, 50000, 16, 'sha256'));
  const run = promisify(execFile);
  const spawned = [...Array(20).keys()].map((n) => run('seq', [`${n}`, '100']).then((done) => done.stdout.length));
  console.log(await Promise.all(spawned));
  console.log(await Promise.all([1, 2, 3].map(forked)), await Promise.all([worker(), worker()]));
  console.log(await Promise.all([1, 2, 3].map(exitCode)));
  console.log((await Promise.all(hashes)).map((hash) => hash.toString('hex')));
  process.exitCode = 3;
}
