// Puts the figures of the last deep run into docs/guarantees.md: npm run test:deep writes them, this copies them.
// Other files may be named: first the figures, then the table.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const [from = join(root, "tests/deep/figures.json"), path = join(root, "docs/guarantees.md")] = process.argv.slice(2);
const figures = JSON.parse(readFileSync(from, "utf8"));

const lines = readFileSync(path, "utf8")
  .split("\n")
  .map((line) => {
    const guarantee = /^\| (G\d+) \|/.exec(line)?.[1];
    const found = guarantee === undefined ? undefined : figures[guarantee];
    if (found === undefined) return line;
    const cells = line.split(" | ");
    // The last cell; what stands there stays where no run measured anything.
    cells[cells.length - 1] = `${Object.values(found).join("; ").replaceAll("|", "/")} |`;
    return cells.join(" | ");
  });
writeFileSync(path, lines.join("\n"));
console.log(`Updated docs/guarantees.md with the figures of ${Object.keys(figures).length} guarantees.`);
