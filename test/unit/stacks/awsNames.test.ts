import { strict as assert } from "node:assert";
import { awsName, formerAwsName } from "../../../stacks/awsNames";

describe("the names of resources on AWS", () => {
    it("begin with project and stack, as far as a target group has room", () => {
        assert.equal(awsName("decanter", "prod"), "decanter-prod");
        assert.equal(awsName("decanter", "staging"), "decanter-stagi");
        assert.equal(awsName("decanter", "review-12"), "decanter-revie");
        assert.equal(awsName("Cellar_of.Wines", "prod"), "cellar-of-wine");
    });

    for (const stack of ["prod", "a.b", "-x-", "PR_7", "é", "x".repeat(100), "---", "1", "a--b"]) {
        for (const project of [
            "decanter",
            "internal",
            "internal-tools",
            "sg.x",
            "INTERNAL-x",
            "7up",
            "d".repeat(90),
        ]) {
            it(`are valid for ${project.slice(0, 20)} and ${stack.slice(0, 20)}`, () => {
                const name = awsName(project, stack);
                // Letters, digits and single hyphens, none at an end, and no beginning that AWS keeps for itself.
                assert.match(`${name}-web-green-1a2b3c4`, /^(?!internal-|sg-)[a-z0-9]+(-[a-z0-9]+)*$/);
                assert.ok(`${name}-web-green-1a2b3c4`.length <= 32, name);
            });
        }
    }

    it("were once the release's", () => {
        assert.equal(formerAwsName("hello"), "hello");
        assert.equal(formerAwsName("My_cellar_of_good_wines"), "my-cellar-of-g");
        assert.equal(formerAwsName("shop_of_wines_and_more"), "shop-of-wines");
    });
});
