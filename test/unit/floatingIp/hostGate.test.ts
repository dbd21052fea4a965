import { strict as assert } from "node:assert";
import { hostGate, stopRelease } from "../../../components/floatingIp/hostGate";
import { HostTalk } from "../../../components/floatingIp/hostTalk";
import { withFakeAws } from "../../support/fakeAws";

const args = { region: "eu-central-1", instanceId: "i-1", logGroup: "/decanter/test/hello", seconds: 30 };
const refused = "the new host i-1 does not get the address: ";
const isStopping =
    "\nThe host stops the release, keeps it for docker logs, and waits for the next pulumi up.";
const healthy = "decanter: healthy";
const stopped = "decanter: stopped, as no deploy waits for it";
const [start, stop] = ["decanter: start", "decanter: stop"];

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

/** What deploys say to the host, beside what it says: those words were there before, and new ones are added. */
function deploying(said: (request: Record<string, any>, call: number) => object, words: string[] = []) {
    let looks = 0;
    return {
        GetLogEvents: (request: Record<string, any>) => {
            if (request.logStreamName === "i-1") return said(request, ++looks);
            assert.equal(request.logStreamName, "i-1-deploy");
            const events = words.map((message, index) => ({ message, timestamp: index + 1 }));
            return { events: request.nextToken === undefined ? events : [], nextForwardToken: "f/1" };
        },
        PutLogEvents: ({ logGroupName, logStreamName, logEvents }: Record<string, any>) => {
            assert.deepEqual([logGroupName, logStreamName], ["/decanter/test/hello", "i-1-deploy"]);
            words.push(...(logEvents as { message: string }[]).map(({ message }) => message));
            return {};
        },
    };
}

const error = (name: string, message: string) => ({ __type: name, message });
const unknown = error("ResourceNotFoundException", "The specified log stream does not exist.");

describe("the gate of a host", () => {
    it("opens when the host says that its release is healthy", async () => {
        await withFakeAws(deploying(saying(["this is i-1"], [], [healthy])), async (requests) => {
            await hostGate(args);
            const [first, ...others] = requests("GetLogEvents").filter(
                ({ logStreamName }) => logStreamName === "i-1",
            );
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
        await withFakeAws(deploying(saying(before)), async (requests) => {
            await hostGate({ ...args, seconds: -1 });
            assert.equal(requests("PutLogEvents").length, 0);
        });
    });

    it("waits for a host that has no stream yet", async () => {
        const later = saying([healthy]);
        await withFakeAws(
            deploying((request, call) => (call < 3 ? unknown : later(request))),
            () => hostGate(args),
        );
    });

    it("stays shut as soon as the host says why, with what it said", async () => {
        const said =
            "decanter: failed: container hello stopped with exit code 1. Its last lines:\n  | the database at [secret]";
        await withFakeAws(deploying(saying(["Docker runs"], [said, "Docker runs"])), () =>
            assert.rejects(hostGate({ ...args, seconds: 3600 }), {
                message: `${refused}container hello stopped with exit code 1. Its last lines:\n  | the database at [secret]${isStopping}`,
            }),
        );
    });

    it("waits out what the host said before, as it tries again", async () => {
        const before = ["decanter: failed: the database is down"];
        await withFakeAws(deploying(saying(before, [], ["the migration is done", healthy])), () =>
            hostGate(args),
        );
        const again = ["decanter: failed: the database is still down"];
        await withFakeAws(deploying(saying(before, again)), () =>
            assert.rejects(hostGate(args), { message: `${refused}the database is still down${isStopping}` }),
        );
    });

    it("opens for a host that mends what it has just said", async () => {
        const both = ["decanter: failed: the database is down", healthy];
        await withFakeAws(deploying(saying([], both)), () => hostGate(args));
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
            await withFakeAws(deploying(saying([...look])), () =>
                assert.rejects(hostGate({ ...args, seconds: 0 }), { message: late + problem + isStopping }),
            );
        });
    }
    it("says so too where the host has no stream when the time is over", async () => {
        await withFakeAws(
            deploying(() => unknown),
            () => assert.rejects(hostGate({ ...args, seconds: 0 }), { message: late + silent + isStopping }),
        );
    });

    const ended = "container hello stopped with exit code 1.";
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
            const said = `decanter: failed: ${ended} Its last lines:\n  | ${lines}`;
            await withFakeAws(deploying(saying([], [said])), () =>
                assert.rejects(hostGate(args), {
                    message: `${refused}${ended} Its last lines:\n  | ${lines}\n${remedy}${isStopping}`,
                }),
            );
        });
    }

    it("asks again where AWS is busy", async () => {
        const busy = error("ThrottlingException", "Rate exceeded");
        const later = saying([healthy]);
        await withFakeAws(
            deploying((request, call) => (call < 3 ? busy : later(request))),
            () => hostGate(args),
        );
    });

    const unread = "the new host i-1 cannot be heard: ";
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
            await withFakeAws(
                deploying(() => error(name, message)),
                () => assert.rejects(hostGate(args), { message: unread + problem + isStopping }),
            );
        });
    }

    describe("tells the host", () => {
        const puts = (requests: (action: string) => Record<string, any>[]) =>
            requests("PutLogEvents").map(({ logEvents }) => (logEvents as { message: string }[])[0]?.message);
        const failed = "decanter: failed: the database is down";

        for (const [name, before, words, then] of [
            ["that has failed", [failed], [], [start]],
            ["that was refused after it had failed", [failed], [stop], [start]],
            ["that has stopped its release", [healthy, stopped], [stop], [start]],
            ["that has stopped it by itself", [healthy, stopped], [], [start]],
            ["that may have heard a stop or not", [healthy], [start, stop], [start]],
            ["that was refused before it came to its release", ["Docker runs"], [stop], [start]],
            ["that was refused before it said anything", [], [stop], [start]],
            ["that is still at work", ["Docker runs"], [], []],
            ["that does already as it was told", ["Docker runs"], [stop, start], []],
            ["that has said nothing", [], [], []],
        ] as [string, string[], string[], string[]][]) {
            it(`${then.length > 0 ? "to start" : "nothing"} ${name}`, async () => {
                const all = [...words];
                await withFakeAws(deploying(saying(before, [], [healthy]), all), async (requests) => {
                    await hostGate(args);
                    assert.deepEqual(puts(requests), then);
                    assert.deepEqual(all, [...words, ...then]);
                });
            });
        }

        it("nothing where it has the address, and opens at once", async () => {
            const serves = [healthy, stopped, "decanter: serves"];
            await withFakeAws(deploying(saying(serves), [stop]), async (requests) => {
                await hostGate({ ...args, seconds: -1 });
                assert.deepEqual(puts(requests), []);
            });
        });

        it("to start, and takes its answer that it has the address", async () => {
            await withFakeAws(deploying(saying([healthy], ["decanter: serves"]), [stop]), () =>
                hostGate(args),
            );
        });

        it("to start, and does not take for an answer what it says to the stop before", async () => {
            await withFakeAws(deploying(saying([healthy], [stopped], [healthy]), [stop]), () =>
                hostGate(args),
            );
        });

        it("to stop whenever it is refused, as what fails in the network is tried again", async () => {
            for (const looks of [[[], ["decanter: failed: the image cannot be pulled"]], [["Docker runs"]]]) {
                await withFakeAws(deploying(saying(...looks)), async (requests) => {
                    await assert.rejects(hostGate({ ...args, seconds: looks.length - 1 }));
                    assert.deepEqual(puts(requests), [stop]);
                });
            }
        });

        it("to stop where it cannot be heard", async () => {
            const answers = deploying(() => error("AccessDeniedException", "no"));
            await withFakeAws(answers, async (requests) => {
                await assert.rejects(hostGate(args), /cannot be heard: allow the role that deploys/);
                assert.deepEqual(puts(requests), [stop]);
            });
        });

        it("what counts as the last word, though another machine's clock is ahead", async () => {
            const ahead = Date.now() + 60_000;
            const answers = {
                ...deploying(saying([failed], [healthy])),
                GetLogEvents: ({ logStreamName, nextToken }: Record<string, any>) => {
                    const [message, timestamp] =
                        logStreamName === "i-1-deploy" ? [stop, ahead] : nextToken ? [healthy] : [failed];
                    return { events: [{ message, timestamp }], nextForwardToken: "f/1" };
                },
            };
            await withFakeAws(answers, async (requests) => {
                await hostGate(args);
                assert.equal(requests("PutLogEvents")[0]?.logEvents[0].timestamp, ahead + 1);
            });
        });

        it("to stop before it has made its streams", async () => {
            for (const made of [{}, error("ResourceAlreadyExistsException", "The host was faster.")]) {
                const { PutLogEvents } = deploying(() => unknown);
                const answers = {
                    GetLogEvents: () => unknown,
                    PutLogEvents: (request: Record<string, any>, call: number) =>
                        call === 1 ? unknown : PutLogEvents(request),
                    CreateLogStream: () => made,
                };
                await withFakeAws(answers, async (requests) => {
                    await assert.rejects(hostGate({ ...args, seconds: 0 }), {
                        message: late + silent + isStopping,
                    });
                    assert.deepEqual(requests("CreateLogStream"), [
                        { logGroupName: "/decanter/test/hello", logStreamName: "i-1-deploy" },
                    ]);
                    assert.equal(requests("PutLogEvents").length, 2);
                });
            }
        });

        it("nothing where it may not, and says then how the release comes to its end, and what to allow", async () => {
            const denied = error("AccessDeniedException", "not authorized to perform: logs:PutLogEvents");
            const answers = { ...deploying(saying([], [failed])), PutLogEvents: () => denied };
            const problem =
                "the new host i-1 cannot be told anything: allow the role that deploys logs:PutLogEvents and " +
                "logs:CreateLogStream on /decanter/test/hello, and run pulumi up again (not authorized to perform: logs:PutLogEvents)";
            await withFakeAws(answers, () =>
                assert.rejects(hostGate(args), {
                    message:
                        `${refused}the database is down\nThe host stops the release by itself only where it fails, ` +
                        `or the address does not come to it: ${problem}`,
                }),
            );
            const again = { ...deploying(saying([failed])), PutLogEvents: () => denied };
            await withFakeAws(again, () =>
                assert.rejects(hostGate(args), new RegExp(`^Error: ${problem.slice(0, 40)}`)),
            );
        });

        it("nothing that CloudWatch drops without an error", async () => {
            const answers = {
                ...deploying(saying()),
                PutLogEvents: () => ({ rejectedLogEventsInfo: { tooNewLogEventStartIndex: 0 } }),
            };
            await withFakeAws(answers, async () => {
                const talk = new HostTalk(args);
                assert.match(await stopRelease(talk), /refuses its time: set this machine's clock/);
                talk.close();
            });
        });
    });
});
