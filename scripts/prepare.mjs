// Installs what is missing and builds what is stale, so that one command works on a fresh clone.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`sortgate needs Node 20.19 or newer; this is ${process.versions.node}.`);
  console.error("Try: install Node 20 (or 22, 24) and run the same command again.");
  process.exit(78);
}

function run(what, command, args) {
  const done = spawnSync(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  if (done.status === 0) return;
  console.error(`${what} failed${done.error ? `: ${done.error.message}` : ""}.`);
  process.exit(1);
}

/** npm writes a copy of the lockfile's packages here; when it is older than ours, something is missing. */
function installed() {
  const marker = join(root, "node_modules/.package-lock.json");
  if (!existsSync(marker)) return false;
  const want = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  const have = JSON.parse(readFileSync(marker, "utf8")).packages;
  return Object.entries(want).every(
    ([path, entry]) => path === "" || entry.optional === true || have[path]?.version === entry.version,
  );
}

if (!installed()) {
  console.error("Installing the packages named in package-lock.json (the first time this takes a minute or two) …");
  run("npm ci", "npm", ["ci", "--no-fund", "--no-audit", "--loglevel=error"]);
}
run("The build", process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json"]);
run("The build", process.execPath, [join(root, "scripts/bundle.mjs")]);
