/** The harness: real servers, real browsers, and what may go wrong between them. */

export { Keyfold } from "./keyfold.ts";
export { built, clientDist, keyfoldBinary, root } from "./place.ts";
export { AUDIENCE, OTHER, Provider } from "./provider.ts";
export { runInChromium, runInNode } from "./scenario.ts";
export { Service } from "./service.ts";
export { Site, STRICT_POLICY, type Fault } from "./site.ts";
export { test } from "./test.ts";
export { Visitor } from "./visitor.ts";
export { Wire, type WireCondition } from "./wire.ts";
