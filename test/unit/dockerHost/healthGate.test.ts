import { strict as assert } from "node:assert";
import { DockerHost } from "../../../components/docker/dockerHost";
import { healthGate } from "../../../components/dockerHost/healthGate";
import { withDocker } from "../../support/mockPulumi";

const refused = "the new release is not healthy, so it gets no traffic: container";

const StartedAt = "2026-11-21T15:45:24.123456789Z";

interface State {
    RestartCount?: number;
    Status: string;
    ExitCode?: number;
    OOMKilled?: boolean;
    Health?: { Status: string; Log?: { Output: string }[] | null };
}

const healthy: State = { Status: "running", Health: { Status: "healthy" } };
const starting: State = { Status: "running", Health: { Status: "starting", Log: [] } };

/** A `docker` whose first looks at the containers see the first states, and all later ones the last. */
function seeing(...looks: State[][]): string {
    const files = looks.map((states, index) => {
        const containers = states.map(({ RestartCount = 0, ...state }, number) => ({
            Name: `/web-${number + 1}`,
            RestartCount,
            State: { ExitCode: 0, OOMKilled: false, StartedAt, ...state },
        }));
        return `cat > look-${index + 1} <<'END'\n${JSON.stringify(containers)}\nEND`;
    });
    return `${files.join("\n")}
        look=$(grep -c "container inspect" calls)
        [ "$look" -le ${looks.length} ] || look=${looks.length}
        case "$*" in
            *"container inspect"*) cat look-$look ;;
            *logs*) echo "booting with hunter2"; echo "boom: hunter2" >&2 ;;
            *events*) echo "$EVENTS" ;;
            *) exit 64 ;;
        esac`;
}

function gate(
    containers: string[],
    given: { bootSeconds?: number; bakeSeconds?: number; host?: DockerHost } = {},
): Promise<void> {
    const host = new DockerHost();
    return healthGate({ containers, host, bootSeconds: 30, bakeSeconds: 0, secrets: ["hunter2"], ...given });
}

describe("the health gate", () => {
    it("opens at once where every container is healthy", async () => {
        await withDocker(seeing([healthy, healthy]), async (calls) => {
            await gate(["web-1", "web-2"]);
            assert.deepEqual(calls(), ["container inspect web-1 web-2"]);
        });
    });

    it("waits for the last container", async () => {
        const looks = [[starting, starting], [healthy, starting], [healthy]];
        await withDocker(seeing(...looks), async (calls) => {
            await gate(["web-1", "web-2"], { host: new DockerHost("ssh://me@server") });
            const inspect = "--host ssh://me@server container inspect web-1 web-2";
            assert.deepEqual(calls(), [inspect, inspect, inspect]);
        });
    });

    it("opens for a container that is healthy although the time is over", async () => {
        await withDocker(seeing([healthy]), () => gate(["web-1"], { bootSeconds: -1 }));
    });

    const memory = "was killed because it used more memory than its limit (memoryMb)";
    const stopped: [name: string, state: State, problem: string][] = [
        ["exited with 1", { Status: "exited", ExitCode: 1 }, "stopped with exit code 1"],
        ["exited with 0", { Status: "exited", ExitCode: 0 }, "stopped with exit code 0"],
        ["restarts", { Status: "restarting", ExitCode: 137 }, "was ended by SIGKILL (exit code 137)"],
        ["is dead", { Status: "dead", ExitCode: 2 }, "stopped with exit code 2"],
        [
            "stopped although it was healthy",
            { ...healthy, Status: "exited", ExitCode: 3 },
            "stopped with exit code 3",
        ],
        ["used up its memory", { Status: "restarting", ExitCode: 137, OOMKilled: true }, memory],
    ];
    for (const [name, state, problem] of stopped) {
        it(`stays shut for a container that ${name}, without waiting, and hides secrets`, async () => {
            await withDocker(seeing([healthy, state]), async (calls) => {
                await assert.rejects(gate(["web-1", "web-2"], { bootSeconds: 3600 }), {
                    message: `${refused} web-2 ${problem}. Its last lines:\n  | booting with [secret]\n  | boom: [secret]`,
                });
                assert.deepEqual(calls(), ["container inspect web-1 web-2", "logs --tail 300 web-2"]);
            });
        });
    }

    const log = [{ Output: "GET /up answered 404\n" }, { Output: "\nGET /up answered 500\n" }];
    const slow: [name: string, state: State, answer: string][] = [
        [
            "is unhealthy",
            { Status: "running", Health: { Status: "unhealthy", Log: log } },
            "GET /up answered 500",
        ],
        [
            "has not been checked",
            { Status: "running", Health: { Status: "starting", Log: null } },
            "no check has ended",
        ],
        ["still starts", starting, "no check has ended"],
        ["has no check yet", { Status: "created" }, "no check has ended"],
    ];
    for (const [name, state, answer] of slow) {
        it(`stays shut for a container that ${name} when the time is over`, async () => {
            await withDocker(seeing([healthy, state]), async () => {
                await assert.rejects(gate(["web-1", "web-2"], { bootSeconds: 0.1 }), {
                    message:
                        `${refused} web-2 did not become healthy within 0.1 s (bootSeconds); the last check said: ` +
                        `${answer}. Its last lines:\n  | booting with [secret]\n  | boom: [secret]`,
                });
            });
        });
    }

    it("stays open only for a container that stays healthy", async () => {
        const unhealthy: State = { Status: "running", Health: { Status: "unhealthy", Log: log } };
        const problem =
            "was healthy and is so no more (bakeSeconds); the last check said: GET /up answered 500";
        await withDocker(seeing([healthy], [healthy], [unhealthy]), async () => {
            await assert.rejects(gate(["web-1"], { bakeSeconds: 30 }), {
                message: `${refused} web-1 ${problem}. Its last lines:\n  | booting with [secret]\n  | boom: [secret]`,
            });
        });
        await withDocker(seeing([healthy]), async (calls) => {
            await gate(["web-1"], { bakeSeconds: 0.5 });
            assert.ok(calls().length > 1);
        });
    });

    it("notices that a container was started again, however fast that went", async () => {
        for (const [events, problem] of [
            ["die 1\ndie 7", "stopped with exit code 7"],
            ["die 1\noom \ndie 137", "was killed because it used more memory than its limit \\(memoryMb\\)"],
            ["", "stopped, and Docker started it again"],
        ] as const) {
            process.env.EVENTS = events;
            const looks = [[starting], [{ ...starting, RestartCount: 1 }]];
            await withDocker(seeing(...looks), async (calls) => {
                await assert.rejects(gate(["web-1"]), new RegExp(`web-1 ${problem}\\. Its last lines`));
                // Whole seconds would miss what happened in this one.
                const asked = calls().find((call) => call.startsWith("events"));
                assert.match(asked ?? "", new RegExp(`^events --since 1h --until ${StartedAt} `));
            });
        }
        delete process.env.EVENTS;
        // What happened before, in a deploy that failed, does not count.
        await withDocker(seeing([{ ...starting, RestartCount: 2 }], [{ ...healthy, RestartCount: 2 }]), () =>
            gate(["web-1"]),
        );
    });

    const remedies: [name: string, said: string, remedy: string][] = [
        [
            "misses a variable",
            'could not fetch environment variable "WINE_LIST" because it is not set',
            "It misses WINE_LIST: pulumi config set --secret --path secrets.WINE_LIST (or --path env.WINE_LIST).",
        ],
        [
            "misses a variable in Phoenix's words",
            "environment variable DATABASE_URL is missing.",
            "It misses DATABASE_URL: pulumi config set --secret --path secrets.DATABASE_URL (or --path env.DATABASE_URL).",
        ],
        [
            "crashes at boot for a variable",
            `Runtime terminating during boot ({#{env=><<"WINE_LIST">>,message=>nil,__struct__=>System.EnvError}})`,
            "It misses WINE_LIST: pulumi config set --secret --path secrets.WINE_LIST (or --path env.WINE_LIST).",
        ],
        [
            "is for another CPU",
            "exec /bin/sh failed: Exec format error",
            "The image is for another CPU, linux/arm64: set platform to what the Docker host is.",
        ],
    ];
    for (const [name, said, remedy] of remedies) {
        it(`says what to do for a release that ${name}`, async () => {
            const script = `case "$*" in
                *"image inspect"*) echo linux/arm64 ;;
                *"container inspect"*) echo '[{"Name":"/web-1","RestartCount":0,"State":{"Status":"exited","ExitCode":1}}]' ;;
                *logs*) echo '${said}' ;;
            esac`;
            await withDocker(script, () =>
                assert.rejects(gate(["web-1"]), {
                    message: `${refused} web-1 stopped with exit code 1. ${remedy} Its last lines:\n  | ${said}`,
                }),
            );
        });
    }

    it("goes on while the time is not over, however unhealthy a container is", async () => {
        const unhealthy: State = { Status: "running", Health: { Status: "unhealthy", Log: log } };
        await withDocker(seeing([unhealthy], [unhealthy], [healthy]), async (calls) => {
            await gate(["web-1"]);
            assert.equal(calls().length, 3);
        });
    });

    it("says when the containers cannot be looked at", async () => {
        await withDocker("echo 'No such container: web-1' >&2; exit 1", async () => {
            await assert.rejects(gate(["web-1"]), {
                message: "the containers of the new release cannot be looked at: No such container: web-1",
            });
        });
    });
});
