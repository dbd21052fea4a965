import { part, passes, type Rule, shown } from "./properties";

const HOSTS = ["aws:ec2/instance:Instance", "aws:ec2/launchTemplate:LaunchTemplate"];

/** Rules on instances, and on what is kept of logs. */
export const hostRules: Rule[] = [
    {
        name: "metadata-needs-a-token",
        description:
            "Instances answer IMDSv2 only, so that a forged request does not get the role's credentials.",
        check: (type, { metadataOptions }) => {
            const httpTokens = part(metadataOptions, "httpTokens");
            const required = passes(httpTokens, (given) => given === "required");
            if (!HOSTS.includes(type) || required) return [];
            return [`metadataOptions.httpTokens is ${shown(httpTokens)}: make it "required"`];
        },
    },
    {
        name: "hosts-have-no-key-pair",
        description: "Instances have no SSH key: Session Manager logs who entered.",
        check: (type, { keyName }) =>
            HOSTS.includes(type) && keyName !== undefined && keyName !== ""
                ? [`keyName is ${shown(keyName)}: leave it out, and enter through SSM Session Manager`]
                : [],
    },
    {
        name: "logs-end-some-day",
        description: "Log groups say for how many days they keep their lines.",
        check: (type, { retentionInDays }) =>
            type !== "aws:cloudwatch/logGroup:LogGroup" ||
            passes(retentionInDays, (given) => Number(given) > 0)
                ? []
                : [
                      `retentionInDays is ${shown(retentionInDays)}, which keeps lines for ever: set it, such as 30`,
                  ],
    },
];
