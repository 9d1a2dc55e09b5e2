// Writes config/sortgate.schema.json, config/sortgate.example.toml and config/event-fields.json from the built program. Run after `npm run build`.
import { writeFileSync } from "node:fs";
import { exampleConfig } from "../dist/src/config/example.js";
import { configJsonSchema } from "../dist/src/config/schema.js";
import { eventFieldsJson } from "../dist/src/model/event-fields.js";

const folder = new URL("../config/", import.meta.url);
writeFileSync(new URL("sortgate.schema.json", folder), `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
writeFileSync(new URL("sortgate.example.toml", folder), exampleConfig());
writeFileSync(new URL("event-fields.json", folder), `${JSON.stringify(eventFieldsJson(), null, 2)}\n`);
