import { itSurvivesBadReleases } from "../support/badReleases";
import { RealEngine, skipWithoutEngine } from "../support/realEngine";

describe("a bad release on a Docker host, with Pulumi's engine", function () {
    this.timeout(300_000);
    skipWithoutEngine();

    const stack = `engine-test-bad-${process.pid}`;
    describe("deployed", () => itSurvivesBadReleases(stack, new RealEngine(stack)));
});
