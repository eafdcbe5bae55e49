import { describe, expect, it } from "vitest";

import { headline, overview } from "./words";

describe("the top of the page", () => {
  it("is calm only while nothing is open", () => {
    expect([overview("operational", 0), headline("operational", 0)]).toEqual(["operational", "All systems operational"]);
    expect([overview("operational", 1), headline("operational", 1)]).toEqual(["degraded", "An incident is open"]);
    expect(headline("operational", 3)).toBe("3 incidents are open");
  });

  it("says what is worse than an open incident", () => {
    expect([overview("major_outage", 1), headline("major_outage", 1)]).toEqual(["major_outage", "Some systems are down"]);
    expect(overview("maintenance", 2)).toBe("maintenance");
  });
});
