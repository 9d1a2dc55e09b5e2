export type { WindowCounters } from "./counts.ts";
export type { Admission, DedupWindow, RestoredPass, WindowOptions } from "./face.ts";
export { type RecalledPass, recallPasses } from "./recall.ts";
export { createRestorer } from "./restorer.ts";
export { createWindow } from "./window.ts";
