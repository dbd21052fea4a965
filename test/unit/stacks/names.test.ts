import { strict as assert } from "node:assert";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { readConfig } from "../../../stacks/config/config";
import { checkStackName, namedByRole } from "../../../stacks/names";
import { SettingsReader } from "../../../stacks/config/settingsReader";
import { mockPulumi, settled, the } from "../../support/mockPulumi";

class Part extends pulumi.ComponentResource {
    constructor(name: string, opts: pulumi.ComponentResourceOptions) {
        super("decanter:index:Part", name, {}, opts);
        for (const child of [name, `${name}-port`]) new random.RandomPet(child, {}, { parent: this });
    }
}

async function aliasesOf(role: string, releases: (string | undefined)[]): Promise<(string[] | undefined)[]> {
    const recorded = await mockPulumi();
    new Part(role, namedByRole(releases));
    await settled();
    return [
        the(recorded, "Part", role),
        the(recorded, "RandomPet", role),
        the(recorded, "RandomPet", `${role}-port`),
    ].map(({ options }) => options?.aliases);
}

describe("the names of resources", () => {
    it("take over, child by child, what was named by the release and the role", async () => {
        assert.deepEqual(await aliasesOf("router", ["hello"]), [
            ["hello-router"],
            ["hello-router"],
            ["hello-router-port"],
        ]);
    });

    it("take over what was named by the release alone", async () => {
        assert.deepEqual(await aliasesOf("release", ["hello"]), [["hello"], ["hello"], ["hello-port"]]);
    });

    it("know every name that the release has had, the last one first", async () => {
        const [component] = await aliasesOf("web", ["shop", "hello", undefined, "shop"]);
        assert.deepEqual(component, ["shop-web", "hello-web"]);
    });

    it("take over nothing from themselves, whatever a release is called", async () => {
        assert.deepEqual(await aliasesOf("release", ["release"]), [undefined, undefined, undefined]);
        assert.deepEqual(await aliasesOf("router", ["router"]), [
            ["router-router"],
            ["router-router"],
            ["router-router-port"],
        ]);
    });

    it("leave what else a resource takes over, which had the release in its name too", async () => {
        const recorded = await mockPulumi();
        new Part("web", { ...namedByRole(["hello"]), aliases: [{ name: "site" }] });
        await settled();
        assert.deepEqual(the(recorded, "Part", "web").options?.aliases, ["site", "hello-web", "hello-site"]);
    });
});

describe("the name of a stack", () => {
    function problemOf(stack: string, more: Parameters<typeof checkStackName>[2] = {}): string {
        const settings = new SettingsReader(new pulumi.Config());
        checkStackName(settings, stack, more);
        try {
            settings.finish();
            return "";
        } catch (error) {
            return (error as Error).message;
        }
    }

    before(() => mockPulumi());

    it("is checked with the settings of a Docker host, and of no other target", async () => {
        await mockPulumi({}, [], {}, "a..b");
        assert.throws(() => readConfig(), /the stack's name must be/);
        await mockPulumi({ target: "fargate" }, [], {}, "a..b");
        assert.throws(
            () => readConfig(),
            (error: Error) => !error.message.includes("the stack's name"),
        );
    });

    for (const stack of ["local", "pr-12", "Team_A.eu-1", "7", "a".repeat(45)])
        it(`begins those of its containers: ${stack}`, () => assert.equal(problemOf(stack), ""));

    // Docker takes no such name, or its DNS does not find it.
    for (const stack of ["_a", "-a", ".a", "a..b", "a.", "a".repeat(46)])
        it(`is refused where it cannot: ${stack}`, () =>
            assert.match(
                problemOf(stack),
                /the stack's name must be at most 45 .*: pulumi stack rename my-stack$/,
            ));

    // As "-edge-router-1234567" and "-router-1234567-certificate" follow.
    for (const [what, more, most] of [
        ["an edge", { edge: "edge" }, 43],
        ["https", { https: {} }, 36],
        ["both", { edge: "edge", https: {} }, 36],
    ] as const)
        it(`has ${most} characters at most with ${what}`, () => {
            assert.equal(problemOf("a".repeat(most), more), "");
            assert.match(problemOf("a".repeat(most + 1), more), new RegExp(`must be at most ${most} `));
        });
});
