import { strict as assert } from "node:assert";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { namedByRole } from "../../stacks/names";
import { mockPulumi, settled, the } from "../support/mockPulumi";

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

    it("leave what else a resource takes over", async () => {
        const recorded = await mockPulumi();
        new Part("web", { ...namedByRole(["hello"]), aliases: [{ name: "site" }] });
        await settled();
        assert.deepEqual(the(recorded, "Part", "web").options?.aliases, ["site", "hello-web"]);
    });
});
