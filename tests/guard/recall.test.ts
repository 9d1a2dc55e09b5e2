import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createGuard, createTokenKeys, type Guard, openSealing, type Sealing, suiteOf } from "../../src/guard/index.ts";
import { createOpener, type Opener } from "../../src/guard/open.ts";
import type { GuardSettings } from "../../src/guard/settings.ts";
import { aFirstRead, cleared, everything, noon } from "./build.ts";
import { bytesOf, type Case, casesOf, files } from "./corpus.ts";

const document = readFileSync(new URL("../../docs/privacy.md", import.meta.url), "utf8");
const folder = mkdtempSync(join(tmpdir(), "sortgate-recall-"));
let sealing: Sealing;
let opener: Opener;
beforeAll(async () => {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const keyFile = join(folder, "centre.pem");
  writeFileSync(keyFile, publicKey.export({ type: "spki", format: "pem" }));
  opener = createOpener(Buffer.from(privateKey.export({ type: "pkcs8", format: "pem" })));
  const learned: Promise<void>[] = [];
  const announce = (event: { data: unknown }): boolean => learned.push(opener.learn(event)) > 0;
  sealing = await openSealing({ suite: suiteOf("intl"), keyFile, now: () => noon, tell() {}, announce });
  // The first use of a content key is what tells it.
  sealing.seal([], "");
  await Promise.all(learned);
});
afterAll(() => {
  sealing.close();
  rmSync(folder, { recursive: true });
});

const persons = files.flatMap((file) =>
  casesOf(file)
    .filter(({ pieces, unfound }) => pieces !== undefined || unfound !== undefined)
    .map((one) => ({ file, one })),
);

function guardOf(one: Case, settings: Partial<GuardSettings>): Guard {
  const carriers = one.configured ?? everything.carriers;
  const tokens = createTokenKeys(() => noon);
  return createGuard({ settings: { ...everything, carriers, ...settings }, tokens, sealing });
}

/** What a policy makes of a code. */
function dataOf(one: Case, settings: Partial<GuardSettings>) {
  const { medium = "barcode", symbology } = one;
  return cleared(aFirstRead({ code: bytesOf(one), medium, symbology }), guardOf(one, settings)).data;
}

interface Piece {
  readonly kind: string;
  readonly value: string;
}

/** What the centre gets of the person on a label. */
function openedOf(one: Case): readonly Piece[] {
  const data = dataOf(one, { core: "seal" });
  const opened = data.sealed === undefined ? [] : opener.open({ data });
  expect(opened, one.name).toBeInstanceOf(Array);
  return opened as readonly Piece[];
}

/** What of a text tells it from others: neither blanks nor dashes nor the width of its digits. */
function plain(text: string): string {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}@]/gu, "");
}

/** A piece may have a little around it, as a name its title: not a label. */
const aroundMax = 24;

function isFound({ kind, value }: Piece, opened: readonly Piece[]): boolean {
  return opened.some((one) => {
    const [whole, piece] = [plain(one.value), plain(value)];
    return one.kind === kind && whole.includes(piece) && whole.length <= piece.length + aroundMax;
  });
}

const piecesOf = ({ pieces = {} }: Case): readonly Piece[] =>
  Object.entries(pieces).flatMap(([kind, values]) => values.map((value) => ({ kind, value })));

const unfoundOf = ({ unfound = [] }: Case): readonly Piece[] =>
  unfound.map(({ kind, text }) => ({ kind, value: text }));

/** Whether a name or an address is long enough that it stands nowhere by chance. */
function isTelling({ kind, value }: Piece): boolean {
  return (
    (kind === "name" || kind === "address") && (value.match(/\p{Script=Han}/gu) ?? []).length * 3 + value.length > 7
  );
}

/** A label as its reader may see it. */
function textsOf(one: Case): readonly string[] {
  const texts = ["utf-8", "gb18030", "shift_jis", "utf-16le"].map((name) => new TextDecoder(name).decode(bytesOf(one)));
  return [
    ...texts,
    texts[0]!.replace(/(?:%[0-9A-F]{2})+/gi, (run) => Buffer.from(run.replaceAll("%", ""), "hex").toString()),
  ];
}

/** Pieces of the corpus that no one promises to find, by the reason. */
const reasons = [
  "a name in running text",
  "a name or a number in a place that is for something else",
  "what UPS compressed",
  "a document's number whose form tells nothing",
  "a number of another country without its plus sign",
  "a number with other digits right around it",
  "a number cut into pieces",
  "a card that lost its line ends",
  "more members than are looked at",
];

describe("R06 of what the corpus shows of persons", () => {
  it("each piece is found and sealed as what it is: names by their word, and all telephones, identity numbers, cards, mail and addresses", () => {
    const counts = new Map<string, { all: number; found: number }>();
    const missed: string[] = [];
    for (const { file, one } of persons) {
      const opened = openedOf(one);
      for (const piece of piecesOf(one)) {
        const count = counts.get(piece.kind) ?? { all: 0, found: 0 };
        counts.set(piece.kind, count);
        count.all += 1;
        if (isFound(piece, opened)) count.found += 1;
        else missed.push(`${file}: ${one.name}: ${piece.kind} ${piece.value}`);
      }
    }
    const recall = [...counts].sort().map(([kind, { all, found }]) => `${kind} ${found}/${all}`);
    process.stdout.write(`Recall on the corpus: ${recall.join(", ")}\n`);
    expect(missed).toEqual([]);
    const all = [...counts.values()].reduce((sum, count) => sum + count.all, 0);
    expect(document.includes(`all ${all.toLocaleString("en")} pieces`), `docs/privacy.md says ${all}`).toBe(true);
  });

  it("each piece is masked, or has a token of its kind, where the policy says so", () => {
    const wrong: string[] = [];
    for (const { file, one } of persons) {
      for (const masks of ["documents", "gbt41833"] as const) {
        const said = JSON.stringify(dataOf(one, { core: "mask", masks }).masked ?? []);
        const shown = piecesOf(one).filter(({ kind, value }) => said.includes(value) || !said.includes(`"${kind}"`));
        wrong.push(...shown.map(({ kind, value }) => `${file}: ${one.name}: ${masks} ${kind} ${value}`));
      }
      const said = JSON.stringify(dataOf(one, { core: "token" }).tokens ?? []);
      const without = piecesOf(one).filter(({ kind, value }) => said.includes(value) || !said.includes(`"${kind}"`));
      wrong.push(...without.map(({ kind, value }) => `${file}: ${one.name}: token ${kind} ${value}`));
    }
    expect(wrong).toEqual([]);
  });

  it("no piece stands on a label that its list does not name: each name and address of one label is looked for on all", () => {
    const pool = new Set(
      persons
        .flatMap(({ one }) => [...piecesOf(one), ...unfoundOf(one)])
        .filter(isTelling)
        .map(({ value }) => value),
    );
    const wrong: string[] = [];
    for (const [file, one] of files.flatMap((file) => casesOf(file).map((one) => [file, one] as const))) {
      const texts = textsOf(one);
      const known = [...piecesOf(one), ...unfoundOf(one)].map(({ value }) => value);
      const isKnown = (piece: string): boolean => known.some((one) => one.includes(piece) || piece.includes(one));
      const found = [...pool].filter((piece) => texts.some((text) => text.includes(piece)) && !isKnown(piece));
      wrong.push(...found.map((piece) => `${file}: ${one.name}: ${piece}`));
    }
    expect(pool.size).toBeGreaterThan(60);
    expect(wrong).toEqual([]);
  });

  it("what nobody promises to find is marked with the reason, and is not found", () => {
    const wrong: string[] = [];
    const counts = new Map<string, number>();
    for (const { file, one } of persons) {
      const opened = openedOf(one);
      for (const { kind, text, why } of one.unfound ?? []) {
        counts.set(why, (counts.get(why) ?? 0) + 1);
        if (isFound({ kind, value: text }, opened)) wrong.push(`${file}: ${one.name}: ${kind} ${text} is found`);
      }
    }
    expect(wrong).toEqual([]);
    expect([...counts.keys()].sort()).toEqual([...reasons].sort());
    const rows = [...counts].map(([why, count]) => `| ${why} | ${count} |`);
    expect(rows.filter((row) => !document.includes(row))).toEqual([]);
  });
});
