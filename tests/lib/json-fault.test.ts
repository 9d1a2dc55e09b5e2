import fc from "fast-check";
import { expect, it } from "vitest";
import { jsonFault } from "../../src/lib/json-fault.ts";

it.each([
  ["a comma before the end", '{"a": 1,\n}', " (line 2, column 1)"],
  ["an end that is missing", '{"a": [1', " (it ends too early, at line 1, column 9)"],
  ["an empty text", "", " (it ends too early, at line 1, column 1)"],
  ["a word without quotes", '{\n  "a": 1,\n  "b": SF1385628716739\n}\n', " (line 3, column 8)"],
  ["a word that looks like a position", '{\n"a": x "at position 7"}', " (line 2, column 6)"],
  ["a word that begins as another", "{\n  tru", " (line 2, column 3)"],
  ["a line break within a text", '{"a": "b\nc"}', " (line 1, column 9)"],
  ["more than one", '{"a": 1}\n{"a": 1}', " (line 2, column 1)"],
  ["a quote that is missing", '{"a": "b', " (it ends too early, at line 1, column 9)"],
])("tells the place of %s", (_what, text, place) => {
  expect(jsonFault(text)).toBe(place);
});

it("tells the very place of a stray letter, wherever it stands", () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), (json, seed) => {
      const at = seed % json.length;
      const isText = (json.slice(0, at).match(/(?<!\\)(?:\\\\)*"/g)?.length ?? 0) % 2 === 1;
      if (isText) return;
      expect(jsonFault(`${json.slice(0, at)}@${json.slice(at)}`)).toBe(` (line 1, column ${at + 1})`);
    }),
  );
});
