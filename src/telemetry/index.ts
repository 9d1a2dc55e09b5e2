export { createSystemd, type Systemd } from "./systemd.ts";
export { createTelemetry, type Telemetry } from "./telemetry.ts";
