import program from "../../index";
import { itSurvivesBadReleases } from "../support/badReleases";
import { MiniEngine } from "../support/miniEngine";

describe("a bad release on a Docker host, without Pulumi's engine", function () {
    this.timeout(300_000);

    const stack = `test-bad-${process.pid}`;
    itSurvivesBadReleases(stack, new MiniEngine(stack, program));
});
