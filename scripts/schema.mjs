// Writes config/sortgate.schema.json and config/sortgate.example.toml from the built program. Run after `npm run build`.
import { writeFileSync } from "node:fs";
import { exampleConfig } from "../dist/src/config/example.js";
import { configJsonSchema } from "../dist/src/config/schema.js";

const folder = new URL("../config/", import.meta.url);
writeFileSync(new URL("sortgate.schema.json", folder), `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
writeFileSync(new URL("sortgate.example.toml", folder), exampleConfig());
