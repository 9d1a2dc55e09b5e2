import { expect, test } from "vitest";
import { cleanWho, isTicket } from "../../src/control/who.ts";

test("R33 no name of a ticket holds nine digits in a row, whatever stands between them but letters", () => {
  for (const number of ["139.1234.5678", "139_1234_5678", "139/1234:5678", "110101/19900307/0011", "1-3.9#1_2/3:4-5.6"])
    for (const name of [number, `T-${number}`, `T-${number}a`]) expect([name, isTicket(name)]).toEqual([name, false]);
  for (const name of ["TICKET-4711", "OPS/2026-4711", "T12345678", "INC.2026.1128", "a1b2c3d4e5f6a7b8c9"])
    expect([name, isTicket(name)]).toEqual([name, true]);
  expect(cleanWho("wang.139.1234.5678", "1000")).toEqual({ by: "unknown", uid: "1000" });
});
