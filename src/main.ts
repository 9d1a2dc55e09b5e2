#!/usr/bin/env -S node --max-semi-space-size=4
// Entry of the executable: checks what cannot be checked later, then hands over to the command line.
// The first line has V8 collect young garbage by 4 MB, as the ledger thread does: with its 16 MB each collection stops
// this thread half a millisecond longer.

/** Node releases below this lack what our libraries need; loading them would crash instead of explaining. */
const nodeMin = { major: 20, minor: 19, napi: 9 };

function nodeFits(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const recent = major > nodeMin.major || (major === nodeMin.major && minor >= nodeMin.minor);
  return recent && Number(process.versions.napi ?? 0) >= nodeMin.napi;
}

if (nodeFits()) {
  const { main } = await import("./cli/main.ts");
  await main();
} else {
  const found = `this is Node ${process.versions.node} with Node-API ${process.versions.napi ?? "none"}`;
  process.stderr.write(
    `Error: sortgate needs Node ${nodeMin.major}.${nodeMin.minor} or newer with Node-API ${nodeMin.napi}; ${found}\n` +
      "Try: install Node 20, 22 or 24, then run the same command again\n",
  );
  process.exitCode = 78;
}
