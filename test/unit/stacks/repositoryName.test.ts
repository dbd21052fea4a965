import { strict as assert } from "node:assert";
import { repositoryName } from "../../../stacks/repositoryName";

describe("the repository of a release", () => {
    it("has the release's name where a registry takes that", () => {
        for (const name of ["a", "shop", "shop_web", "a__b", "shop2_1", "s".repeat(128)])
            assert.equal(repositoryName(name), name);
    });

    it("has a name of its own, that a registry takes, where it does not take the release's", () => {
        const names = [
            "shop_",
            "shop__",
            "a___b",
            "a_b_",
            "Shop",
            "s".repeat(129),
            `${"s".repeat(99)}_${"s".repeat(60)}`,
        ];
        const made = names.map(repositoryName);
        assert.equal(new Set([...made, "shop", "a_b", "a__b"]).size, names.length + 3);
        for (const name of made) {
            // Docker's grammar of a reference.
            assert.match(name, /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/);
            assert.ok(name.length <= 128, name);
        }
        assert.match(repositoryName("shop_"), /^shop-[0-9a-f]{8}$/);
    });
});
