// Puts the figures of the last run of both lanes into docs/guarantees.md: the tests write them, this copies them.
// Another folder and file may be named: first the figures, then the table.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const [from = join(root, "tests/figures"), path = join(root, "docs/guarantees.md")] = process.argv.slice(2);
if (!existsSync(from)) {
  console.error(`There are no figures in ${from}. Try: npm test, and as root npm run test:deep, which write them`);
  process.exit(1);
}
/** A file is called by its guarantee and its proof: "G5 replay". */
const names = readdirSync(from).toSorted();

const lines = readFileSync(path, "utf8")
  .split("\n")
  .map((line) => {
    const guarantee = /^\| (G\d+) \|/.exec(line)?.[1];
    const found = names.filter((name) => name.startsWith(`${guarantee} `));
    // What stands there stays where no run measured anything.
    if (found.length === 0) return line;
    const cells = line.split(" | ");
    const figures = found.map((name) => readFileSync(join(from, name), "utf8"));
    cells[cells.length - 1] = `${figures.join("; ").replaceAll("|", "/")} |`;
    return cells.join(" | ");
  });
writeFileSync(path, lines.join("\n"));
console.log(`Updated docs/guarantees.md with ${names.length} figures.`);
