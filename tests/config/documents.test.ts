import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { exampleConfig } from "../../src/config/example.ts";
import { checkConfig } from "../../src/config/index.ts";
import { configJsonSchema, type JsonSchema } from "../../src/config/schema.ts";

const folder = new URL("../../config/", import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, folder), "utf8");

/** The sections of the README under their headings, from the schema. */
function sectionsOf(schema: JsonSchema): Map<string, JsonSchema> {
  const sections = new Map<string, JsonSchema>();
  for (const section of Object.values(schema.properties ?? {})) {
    const table = section.items ?? section;
    if (table.oneOf === undefined) sections.set(`\`${table.title}\``, table);
    for (const inner of [table.properties?.view, table.properties?.policy?.items])
      if (inner !== undefined) sections.set(`\`${inner.title}\``, inner);
    for (const kind of table.oneOf ?? []) {
      sections.set(`\`[[device]]\` with \`driver = "${kind.properties?.driver?.const}"\``, kind);
      if (kind.properties?.tag?.items !== undefined) sections.set("`[[device.tag]]`", kind.properties.tag.items);
    }
  }
  return sections;
}

interface Row {
  readonly unit: string;
  readonly default: string;
  readonly type: string;
  readonly meaning: string;
}

/** The tables of the README: heading, key, what is said of it. */
function tablesOf(text: string): Map<string, Map<string, Row>> {
  const tables = new Map<string, Map<string, Row>>();
  for (const part of text
    .slice(text.indexOf("## Every key"), text.indexOf("## Worked examples"))
    .split("\n### ")
    .slice(1)) {
    const rows = part.matchAll(/^\| `([a-z_]+)` \| (.+) \| (.+) \| (.+) \| (.+) \|$/gm);
    tables.set(
      part.split("\n")[0] ?? "",
      new Map(
        [...rows].map(([, key = "", type = "", unit = "", byDefault = "", meaning = ""]) => [
          key,
          { type, unit, default: byDefault, meaning },
        ]),
      ),
    );
  }
  return tables;
}

test("the README tells every key of every section, and none that is not there", () => {
  const tables = tablesOf(read("README.md"));
  const sections = sectionsOf(configJsonSchema());
  expect([...tables.keys()]).toEqual([...sections.keys()]);
  for (const [heading, schema] of sections)
    expect([...(tables.get(heading)?.keys() ?? [])], heading).toEqual(Object.keys(schema.properties ?? {}));
});

test("the README tells the default, the range and the choices of every key", () => {
  const tables = tablesOf(read("README.md"));
  for (const [heading, schema] of sectionsOf(configJsonSchema()))
    for (const [key, property] of Object.entries(schema.properties ?? {})) {
      const row = tables.get(heading)?.get(key);
      const required = schema.required?.includes(key) === true ? "required" : "none";
      expect(row?.default, `${heading} ${key}`).toBe(
        property.default === undefined ? required : `\`${JSON.stringify(property.default)}\``,
      );
      const type = (row?.type ?? "").replaceAll("_", "");
      for (const bound of [property.minimum, property.maximum, property.maxItems])
        if (bound !== undefined && property.items?.type !== "object")
          expect(type, `${heading} ${key}`).toContain(String(bound));
      for (const choice of property.enum ?? property.items?.enum ?? []) expect(row?.type).toContain(`"${choice}"`);
    }
});

test("the worked examples of the README are sound", async () => {
  const examples = [...read("README.md").matchAll(/```toml\n([\s\S]*?)```/g)].map(([, text = ""]) => text);
  expect(examples).toHaveLength(3);
  for (const text of examples) {
    const checked = await checkConfig("/etc/sortgate/sortgate.toml", {
      text,
      env: { CREDENTIALS_DIRECTORY: "/run/c" },
    });
    expect(checked.ok ? [] : checked.problems).toEqual([]);
  }
});

test("sortgate.schema.json is what scripts/schema.mjs would write", () => {
  expect(JSON.parse(read("sortgate.schema.json"))).toEqual(JSON.parse(JSON.stringify(configJsonSchema())));
});

test("every section of the schema has its header for a title and says what it is for", () => {
  const schema = configJsonSchema() as JsonSchema & { $schema?: string };
  expect(schema.$schema).toBe("https://json-schema.org/draft/2020-12/schema");
  for (const [name, section] of Object.entries(schema.properties ?? {})) {
    expect(section.items?.title ?? section.title, name).toContain(name);
    expect(section.description, name).toBeTruthy();
  }
});

test("sortgate.example.toml is what init writes, and it is sound", async () => {
  expect(read("sortgate.example.toml")).toBe(exampleConfig());
  expect((await checkConfig("/etc/sortgate/sortgate.toml", { text: exampleConfig() })).ok).toBe(true);
});

test("the example serves metrics and health on loopback, which is off where the key is left out", async () => {
  const httpOf = async (text: string): Promise<string | undefined> => {
    const checked = await checkConfig("/etc/sortgate/sortgate.toml", { text });
    return checked.ok ? checked.config.control.http : "the configuration was refused";
  };
  expect(await httpOf(exampleConfig())).toBe("127.0.0.1:9477");
  const line = /^http = .*$/m.exec(exampleConfig())?.[0] ?? "";
  expect(line).toContain("off without this line");
  expect(await httpOf(exampleConfig().replace(line, ""))).toBeUndefined();
  expect(read("README.md")).toContain("`[control] http` is off unless it is set; `init` writes it switched on");
});

test("every device in the example is sound once its comment signs are gone", async () => {
  const text = exampleConfig().replace(
    /^# (\[\[device\]\]|(name|read_point|driver|path|baud_rate|profile|host|port|endpoint|mode) = )/gm,
    "$1",
  );
  const checked = await checkConfig("/etc/sortgate/sortgate.toml", { text });
  expect(checked.ok ? checked.config.devices.map(({ driver }) => driver) : checked.problems).toEqual([
    "serial",
    "tcp",
    "opcua",
  ]);
});
