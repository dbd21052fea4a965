import { PolicyPack } from "@pulumi/policy";
import { plain } from "./properties";
import { rules } from "./rules";

new PolicyPack("decanter", {
    enforcementLevel: "mandatory",
    policies: rules.map(({ name, description, check }) => ({
        name,
        description,
        enforcementLevel: "mandatory",
        validateResource: ({ type, props }, reportViolation) => {
            for (const message of check(type, plain(props))) reportViolation(message);
        },
    })),
});
