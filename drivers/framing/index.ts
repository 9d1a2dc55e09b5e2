export { createDelimiterFramer } from "./delimiter.ts";
export { createStartEndFramer } from "./start-end.ts";
export { createTextMatcher, type TextMatcher } from "./texts.ts";
