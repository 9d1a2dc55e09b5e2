export { type Demo, type DemoSettings, startDemo } from "./demo/demo.ts";
export type { DemoSummary } from "./demo/summary.ts";
export { openSimulation, type Simulation } from "./simulation.ts";
