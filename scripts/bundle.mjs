// Makes of the built files few ones, which load in half the time: dist/sortgate.js, and dist/parts beside it.
// What has binaries of its own, threads of its own, or is seldom needed is left where npm puts it.
// Takes the folder that has dist/src, dist/simulator and node_modules; this project's, if it is not named.
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { rolldown } from "rolldown";

const folder = process.argv[2] ?? join(import.meta.dirname, "..");
const packages = ["zod", "commander", "toml-eslint-parser"];
const parts = join(folder, "dist/parts");
const earlier = existsSync(parts) ? readdirSync(parts) : [];

const modules = await rolldown({
  cwd: folder,
  // The ledger thread is looked for beside the part that starts it.
  input: {
    sortgate: "dist/src/main.js",
    "parts/ledger-worker": "dist/src/workers/ledger-worker.js",
    "parts/virtual-line": "dist/simulator/main.js",
  },
  platform: "node",
  external: (id) => !/^[./]/.test(id) && !packages.includes(id),
});
const { output } = await modules.write({
  dir: join(folder, "dist"),
  entryFileNames: "[name].js",
  chunkFileNames: "parts/[name]-[hash].js",
});
await modules.close();
// Last, for a program that starts just now may want them.
const made = new Set(output.map(({ fileName }) => fileName));
for (const name of earlier) if (!made.has(`parts/${name}`)) rmSync(join(parts, name), { force: true });
