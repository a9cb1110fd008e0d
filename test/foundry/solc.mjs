#!/usr/bin/env node
// The compiler as forge calls it: `--version`, or standard JSON from standard input to standard output. It is the npm
// package that verifier-contract/compile.ts uses, so that forge downloads nothing.
import { createRequire } from 'node:module';

const solc = createRequire(import.meta.url)('solc');

if (process.argv.includes('--version')) {
  // forge reads the line after the banner and knows compilers by platform names of native builds.
  const version = solc.version().replace(/\.Emscripten\.clang$/, '.Linux.g++');
  process.stdout.write(`solc, the solidity compiler commandline interface\nVersion: ${version}\n`);
} else {
  let input = '';
  for await (const chunk of process.stdin) input += chunk;
  process.stdout.write(solc.compile(input));
}
