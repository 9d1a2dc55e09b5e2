import { Fields, type Label } from "./field.ts";
import { kindOfKey } from "./keys.ts";

/** What separates the pieces of text that somebody lays out: lines, tabs, bars, semicolons, commas, GS and RS. */
const separators = /[\p{Cc}|;；,，、。]+/u;
const nameLengthMax = 24;

/**
 * Reads text that has no form of its own: pieces, and `name: value` where there are names.
 *
 * A value goes on to the end of its piece, or to the next name: 「收件人：张伟 电话：…」. A name without a colon counts
 * where the whole word before a blank is one.
 *
 * Cost:    linear.
 */
export function readPlainText(text: string): Label {
  const fields = new Fields();
  if (hasCommands(text)) fields.add("free", text);
  else for (const piece of text.split(separators)) addPiece(fields, piece.trim());
  return { format: "text", fields: fields.all };
}

/** Control characters that lay text out: blanks, and the separators FS, GS, RS and US. */
const layout: ReadonlySet<string> = new Set("\t\n\v\f\r\x1c\x1d\x1e\x1f");

/** Whether there are characters that speak to a terminal, not to a reader: such text is not taken apart. */
function hasCommands(text: string): boolean {
  for (const [character] of text.matchAll(/\p{Cc}/gu)) if (!layout.has(character)) return true;
  return false;
}

function addPiece(fields: Fields, piece: string): void {
  if (piece === "") return;
  let kind: ReturnType<typeof kindOfKey>;
  let value: string[] = [];
  const flush = (): void => {
    fields.add(kind ?? "free", value.join(" "));
    value = [];
  };
  for (const word of piece.replaceAll("：", ":").split(/[ \u3000]+/u)) {
    const colon = word.indexOf(":");
    const name = colon >= 0 ? word.slice(0, colon) : word;
    // "Name: x", "Name:x", "Ship to: x", and "Name x" at the beginning; elsewhere a word like a name is part of a value.
    const count = colon >= 0 ? wordsOfName(value, name) : value.length === 0 && kindOfName(name) !== undefined ? 0 : -1;
    if (count < 0) {
      value.push(word);
      continue;
    }
    const named = kindOfName([...value.splice(value.length - count), name].join(""));
    flush();
    kind = named;
    if (colon >= 0 && colon < word.length - 1) value.push(word.slice(colon + 1));
  }
  flush();
}

function kindOfName(name: string): ReturnType<typeof kindOfKey> {
  return name.length <= nameLengthMax ? kindOfKey(name) : undefined;
}

/** How many words before the one with the colon belong to the name; -1 if it is no name at all. */
function wordsOfName(before: readonly string[], last: string): number {
  for (let count = Math.min(2, before.length); count >= 0; count -= 1)
    if (kindOfName([...before.slice(before.length - count), last].join("")) !== undefined) return count;
  return -1;
}
