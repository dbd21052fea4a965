import { strict as assert } from "node:assert";
import type * as pulumi from "@pulumi/pulumi";
import { hostHooks } from "../../../components/floatingIp/hostHooks";
import { withFakeAws } from "../../support/fakeAws";
import { logged } from "../../support/mockPulumi";

const known = { region: "eu-central-1", instanceId: "i-1", logGroup: "/decanter/test/hello", seconds: -1 };

describe("the hooks of an address that moves", () => {
    const hooks = hostHooks("shop", () => Promise.resolve(known));
    const args = {} as pulumi.ResourceHookArgs & pulumi.ErrorHookArgs;
    const denied = { __type: "AccessDeniedException", message: "not authorized" };
    const answers = (put: object = {}) => ({
        GetLogEvents: () => ({ events: [], nextForwardToken: "f/0" }),
        PutLogEvents: () => put,
    });
    const said = (requests: (action: string) => Record<string, any>[]) =>
        requests("PutLogEvents").map(({ logStreamName, logEvents }) => [logStreamName, logEvents[0].message]);

    it("ask the host for its health before", async () => {
        await withFakeAws(answers(), () =>
            assert.rejects(
                Promise.resolve(hooks.gateHook.callback(args)),
                /the new host i-1 does not get the address/,
            ),
        );
    });

    it("tell the host that it serves after, and fail no deploy where that cannot be said", async () => {
        await withFakeAws(answers(), async (requests) => {
            await hooks.movedHook.callback(args);
            assert.deepEqual(said(requests), [["i-1-deploy", "decanter: serves"]]);
        });
        assert.equal(hooks.movedHook.opts?.ignoreErrors, true);
    });

    it("tell the host to stop its release where the address has not moved, and say so", async () => {
        const problem = (outcome: string) => [
            `the address has not moved to the new host. ${outcome} Where AWS has moved the address all the same, the release serves.`,
        ];
        await withFakeAws(answers(), async (requests) => {
            const errors = await logged("error", async () => {
                assert.equal(await hooks.failedHook.callback(args), false, "nothing is tried again");
            });
            assert.deepEqual(said(requests), [["i-1-deploy", "decanter: stop"]]);
            assert.deepEqual(
                errors,
                problem(
                    "The host stops the release, keeps it for docker logs, and waits for the next pulumi up.",
                ),
            );
        });
        await withFakeAws(answers(denied), async () => {
            const [error = ""] = await logged("error", async () => hooks.failedHook.callback(args));
            assert.match(
                error,
                /by itself only where it fails, or the address does not come to it: .*logs:PutLogEvents/,
            );
        });
    });
});
