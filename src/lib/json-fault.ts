/** Where the first fault of a text that is no JSON stands: characters before it. Never throws. */
function faultAt(text: string): number | undefined {
  const said = complaintOf(text);
  if (said.startsWith("Unexpected end")) return text.length;
  if (!isToken(said)) {
    const position = /position (\d+)/.exec(said)?.[1];
    return position === undefined ? undefined : Number(position);
  }
  // Here V8 shows the text around the fault instead of its position. Every beginning of the text that holds the fault is
  // complained of in the same way, and no shorter one is.
  let [sound, faulty] = [0, text.length];
  while (faulty - sound > 1) {
    const middle = (sound + faulty) >> 1;
    if (isToken(complaintOf(text.slice(0, middle)))) faulty = middle;
    else sound = middle;
  }
  return sound;
}

const isToken = (complaint: string): boolean => complaint.startsWith("Unexpected token");

/** What V8 says of it, which may repeat some of the text; empty: it is JSON. */
function complaintOf(text: string): string {
  try {
    JSON.parse(text);
    return "";
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
}

/**
 * Says where a text is no JSON, and nothing of what stands there.
 *
 * Takes:   a text that `JSON.parse` refuses.
 * Gives:   " (line 3, column 7)", both from 1; empty if it cannot be told.
 * Cost:    reads the text some twenty times.
 * Fails:   never.
 */
export function jsonFault(text: string): string {
  const at = faultAt(text);
  if (at === undefined) return "";
  const lines = text.slice(0, at).split("\n");
  const place = `line ${lines.length}, column ${lines.at(-1)!.length + 1}`;
  return at >= text.length ? ` (it ends too early, at ${place})` : ` (${place})`;
}
