import { strict as assert } from "node:assert";
import { hostGate } from "../../components/hostGate";
import { withFakeAws } from "../support/fakeAws";

const args = { region: "eu-central-1", instanceId: "i-1", logGroup: "/decanter/test/hello", seconds: 30 };
const refused = "the new host i-1 does not serve, so the address stays where it is: ";
const healthy = "decanter: healthy";

/** The host's stream as AWS gives it: what is new at the first look, and at each one after it. */
function saying(...looks: string[][]) {
    let place = 0;
    let isNew = true;
    return ({ nextToken }: Record<string, any>) => {
        const events = (isNew ? (looks.shift() ?? []) : []).map((message) => ({ message }));
        if (events.length > 0) place += 1;
        // At its end AWS gives the place that it was asked for.
        isNew = events.length === 0 && nextToken !== undefined;
        return { events, nextForwardToken: `f/${place}` };
    };
}

const error = (name: string, message: string) => ({ __type: name, message });
const unknown = error("ResourceNotFoundException", "The specified log stream does not exist.");

describe("the gate of a host", () => {
    it("opens when the host says that its release is healthy", async () => {
        await withFakeAws({ GetLogEvents: saying(["this is i-1"], [], [healthy]) }, async (requests) => {
            await hostGate(args);
            const [first, ...others] = requests("GetLogEvents");
            const stream = {
                logGroupName: "/decanter/test/hello",
                logStreamName: "i-1",
                startFromHead: true,
            };
            assert.deepEqual(first, stream);
            for (const { nextToken, ...other } of others) {
                assert.match(nextToken as string, /^f\/\d$/);
                assert.deepEqual(other, stream);
            }
        });
    });

    it("opens at once where the host has said so before, whatever came before that", async () => {
        const before = ["decanter: failed: the database is down", "Docker runs", healthy];
        await withFakeAws({ GetLogEvents: saying(before) }, async (requests) => {
            await hostGate({ ...args, seconds: -1 });
            assert.equal(requests("GetLogEvents").length, 2);
        });
    });

    it("waits for a host that has no stream yet", async () => {
        const later = saying([healthy]);
        await withFakeAws({ GetLogEvents: (request, call) => (call < 3 ? unknown : later(request)) }, () =>
            hostGate(args),
        );
    });

    it("stays shut as soon as the host says why, with what it said", async () => {
        const said =
            "decanter: failed: container hello stopped with exit code 1. Its last lines:\n  | the database at [secret]";
        await withFakeAws({ GetLogEvents: saying(["Docker runs"], [said, "Docker runs"]) }, () =>
            assert.rejects(hostGate({ ...args, seconds: 3600 }), {
                message: `${refused}container hello stopped with exit code 1. Its last lines:\n  | the database at [secret]`,
            }),
        );
    });

    it("waits out what the host said before, as it tries again", async () => {
        const before = ["decanter: failed: the database is down"];
        await withFakeAws({ GetLogEvents: saying(before, [], ["the migration is done", healthy]) }, () =>
            hostGate(args),
        );
        const again = ["decanter: failed: the database is still down"];
        await withFakeAws({ GetLogEvents: saying(before, again) }, () =>
            assert.rejects(hostGate(args), { message: `${refused}the database is still down` }),
        );
    });

    it("opens for a host that mends what it has just said", async () => {
        const both = ["decanter: failed: the database is down", healthy];
        await withFakeAws({ GetLogEvents: saying([], both) }, () => hostGate(args));
    });

    const late = `${refused}it did not get healthy within 0 s. `;
    const silent =
        "It said nothing at all: it has no way to AWS, or did not start. aws ec2 get-console-output --latest " +
        "--region eu-central-1 --instance-id i-1 --output text shows what it printed.";
    for (const [name, look, problem] of [
        ["has said nothing", [], silent],
        ["is still at work", ["this is i-1", "Docker runs"], "It said:\nthis is i-1\nDocker runs"],
        ["had failed before", ["decanter: failed: no", "Docker runs"], "It said: no"],
    ] as const) {
        it(`stays shut for a host that ${name} when the time is over`, async () => {
            await withFakeAws({ GetLogEvents: saying([...look]) }, () =>
                assert.rejects(hostGate({ ...args, seconds: 0 }), { message: late + problem }),
            );
        });
    }
    it("says so too where the host has no stream when the time is over", async () => {
        await withFakeAws({ GetLogEvents: () => unknown }, () =>
            assert.rejects(hostGate({ ...args, seconds: 0 }), { message: late + silent }),
        );
    });

    const stopped = "container hello stopped with exit code 1.";
    for (const [name, lines, remedy] of [
        [
            "misses a variable",
            'environment variable "WINE_LIST" because it is not set',
            "It misses WINE_LIST: pulumi config set --secret --path secrets.WINE_LIST (or --path env.WINE_LIST).",
        ],
        [
            "has the image of another CPU",
            "exec /bin/sh failed: Exec format error",
            "The image is for another CPU: set platform, ami and instanceType to the same one.",
        ],
    ] as const) {
        it(`says what to do for a host that ${name}`, async () => {
            const said = `decanter: failed: ${stopped} Its last lines:\n  | ${lines}`;
            await withFakeAws({ GetLogEvents: saying([], [said]) }, () =>
                assert.rejects(hostGate(args), {
                    message: `${refused}${stopped} ${remedy} Its last lines:\n  | ${lines}`,
                }),
            );
        });
    }

    it("asks again where AWS is busy", async () => {
        const busy = error("ThrottlingException", "Rate exceeded");
        const later = saying([healthy]);
        await withFakeAws({ GetLogEvents: (request, call) => (call < 3 ? busy : later(request)) }, () =>
            hostGate(args),
        );
    });

    const unread = "what the new host i-1 says cannot be read, so the address stays where it is: ";
    for (const [name, message, problem] of [
        [
            "AccessDeniedException",
            "User: arn:aws:iam::1:user/ci is not authorized to perform: logs:GetLogEvents",
            "allow the role that deploys logs:GetLogEvents on /decanter/test/hello, and run pulumi up again (User: " +
                "arn:aws:iam::1:user/ci is not authorized to perform: logs:GetLogEvents)",
        ],
        [
            "ExpiredTokenException",
            "The security token included in the request is expired",
            "see to it that AWS answers, and run pulumi up again (The security token included in the request is expired)",
        ],
    ] as const) {
        it(`says what to do about ${name}`, async () => {
            await withFakeAws({ GetLogEvents: () => error(name, message) }, () =>
                assert.rejects(hostGate(args), { message: unread + problem }),
            );
        });
    }
});
