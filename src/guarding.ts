import {
  createGuard,
  createRehearsal,
  createTokenKeys,
  type Guard,
  isSealing,
  openSealing,
  suiteOf,
  type TokenKeys,
  tokensOfNumber,
} from "./guard/index.ts";
import type { Clock } from "./lib/clock.ts";
import type { Tell } from "./model/notice.ts";
import type { Policy } from "./policy.ts";
import type { LedgerThread, Subject } from "./workers/index.ts";

/** The guard, and what else the keys of its tokens are needed for. */
interface OpenGuard {
  readonly guard: Guard;
  readonly tokens: TokenKeys;
  /** A subject with what a number stands under as well: its tokens of the days whose keys are there still. */
  readonly known: (subject: Subject) => Subject;
}

/** Makes the guard of the policy in force, with what it needs: keys of tokens, and sealing where something is sealed. */
export async function openGuard(
  { guard: settings }: Policy,
  clock: Clock,
  ledger: LedgerThread,
  tell: Tell,
): Promise<OpenGuard> {
  const suite = suiteOf(settings.crypto);
  const tokens = createTokenKeys(clock.wallMs, { suite });
  const known: OpenGuard["known"] = (subject) =>
    subject.kind === "token" ? subject : { ...subject, tokens: tokensOfNumber(subject.value, clock.wallMs(), tokens) };
  const { seal_key_file: keyFile } = settings;
  if (keyFile === undefined || !isSealing(settings)) return { guard: createGuard({ settings, tokens }), tokens, known };
  const sealing = await openSealing({
    suite,
    keyFile,
    now: clock.wallMs,
    tell,
    announce: (event) => ledger.append(event) === "taken",
  });
  return { guard: createGuard({ settings, tokens, sealing }), tokens, known };
}

/** Rehearses the guard between other work, so that the first labels cost no more than later ones. */
export function rehearseGuard({ guard: settings }: Policy): void {
  const step = createRehearsal(settings);
  const next = (): void => {
    if (step()) setImmediate(next);
  };
  setImmediate(next);
}
