import { readFileSync } from "node:fs";

/** The options that a built program gives to Node in its first line, by which users start it: "#!/usr/bin/env -S node OPTIONS". */
export function optionsOfFirstLine(main: string): readonly string[] {
  const [first = ""] = readFileSync(main, "utf8").split("\n", 1);
  return first.split(" ").slice(3);
}
