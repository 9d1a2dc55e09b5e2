/** A number as long as that of a parcel, a telephone or a person, whatever stands between its digits but letters. */
const longNumber = /\d(?:[^A-Za-z\d]*\d){8,}/;
/** The name of a ticket: one word of ASCII. */
const ticket = /^[A-Za-z0-9][A-Za-z0-9._:/#-]{0,63}$/;
/** A login, or two: the person's and the one that sudo gave. */
const login = /^[A-Za-z0-9_][\w.@\\$-]{0,63}(?: as [A-Za-z0-9_][\w.@\\$-]{0,63})?$/;
const userId = /^\d{1,10}$/;

/** Whether a text is the name of a ticket, which may stand in the chain for ever. */
export function isTicket(reason: string): boolean {
  return ticket.test(reason) && !longNumber.test(reason);
}

/** Why a reason is refused, and what to give instead. */
export const noTicket = {
  sentence: "The reason is not the name of a ticket, and a free text may hold what belongs to a parcel or a person",
  hint: "one word without a long number, for example TICKET-4711",
} as const;

/** Who asks, in words that may stand in the chain for ever: a name that is no login is left out. */
export function cleanWho(by: string, uid: string): { readonly by: string; readonly uid: string } {
  return {
    by: login.test(by) && !longNumber.test(by) ? by : "unknown",
    uid: userId.test(uid) ? uid : "unknown",
  };
}
