/**
 * A module that imports another one, and says what is wrong where Node is too old for it: libraries that it imports fail
 * there with errors that name neither. `engines` is a range like `>=22.19`. It runs on any Node that has modules.
 */
export function guardedEntry(module: string, engines: string): string {
  const [major, minor] = engines.replace(/^>=/, "").split(".").map(Number);
  return `const [major, minor] = process.versions.node.split(".").map(Number);
if (major < ${major} || (major === ${major} && minor < ${minor ?? 0})) {
  console.error(\`Drayage needs Node ${engines.replace(/^>=/, "")} or newer, this is \${process.versions.node}: npm scripts (npm start, npm run registry) bring it along\`);
  process.exit(1);
}
await import(${JSON.stringify(module)});
`;
}
