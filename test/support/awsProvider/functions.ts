import { ACCOUNT, domainOf, ecrHost, partitionOf } from "./computed";
import { orderFor, type Properties } from "./record";

/** Functions of the provider, by their token. */
const FUNCTIONS: Record<string, (args: Properties, region: string) => Properties> = {
    "aws:index/getAvailabilityZones:getAvailabilityZones": (_args, region) => ({
        id: region,
        names: ["a", "b", "c"].map((zone) => `${region}${zone}`),
        zoneIds: ["az1", "az2", "az3"],
    }),
    "aws:index/getCallerIdentity:getCallerIdentity": (_args, region) => ({
        id: ACCOUNT,
        accountId: ACCOUNT,
        arn: `arn:${partitionOf(region)}:iam::${ACCOUNT}:user/stand-in`,
        userId: "AIDASTANDIN",
    }),
    "aws:index/getPartition:getPartition": (_args, region) => ({
        id: partitionOf(region),
        partition: partitionOf(region),
        dnsSuffix: domainOf(region),
        reverseDnsPrefix: domainOf(region).split(".").reverse().join("."),
    }),
    "aws:index/getRegion:getRegion": (_args, region) => ({
        id: region,
        name: region,
        region,
        endpoint: `ec2.${region}.amazonaws.com`,
        description: "a stand-in",
    }),
    "aws:ec2/getSubnet:getSubnet": ({ id = "subnet-1", vpcId = "vpc-1" }, region) => ({
        id,
        vpcId,
        availabilityZone: `${region}a`,
        cidrBlock: "10.0.0.0/20",
    }),
    "aws:ec2/getSubnets:getSubnets": (_args, region) => ({ id: region, ids: ["subnet-1", "subnet-2"] }),
    "aws:ec2/getVpc:getVpc": ({ id = "vpc-1" }) => ({ id, cidrBlock: "10.0.0.0/16", default: true }),
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": (_args, region) => ({
        id: region,
        userName: "AWS",
        password: "stand-in",
        authorizationToken: Buffer.from("AWS:stand-in").toString("base64"),
        proxyEndpoint: `https://${ecrHost(region)}`,
        expiresAt: "2099-01-01T00:00:00Z",
    }),
    "aws:elb/getServiceAccount:getServiceAccount": (_args, region) => ({
        id: "127311923021",
        arn: `arn:${partitionOf(region)}:iam::127311923021:root`,
    }),
    "aws:iam/getPolicyDocument:getPolicyDocument": (args) => {
        const document = {
            Version: args.version ?? "2012-10-17",
            Statement: (args.statements ?? []).map(statement),
        };
        return {
            id: "stand-in",
            json: JSON.stringify(document, null, 2),
            minifiedJson: JSON.stringify(document),
        };
    },
    "aws:ssm/getParameter:getParameter": ({ name }, region) => ({
        id: name,
        type: "String",
        // AWS publishes the ids of its images so.
        value: String(name).includes("ami") ? "ami-0123456789abcdef0" : "stand-in",
        version: 1,
        arn: `arn:${partitionOf(region)}:ssm:${region}:${ACCOUNT}:parameter${name}`,
    }),
};

/** What a function answers: what the test wants, over what it would. */
export function answer(token: string, args: Properties, region: string): Properties {
    const { returns } = orderFor({ op: "invoke", type: token, name: "" });
    const answers = FUNCTIONS[token];
    if (answers === undefined && returns === undefined) {
        throw new Error(
            `the stand-in for AWS does not know ${token}: order what it returns, or add it in functions.ts`,
        );
    }
    const where = args.region ?? region;
    return { region: where, ...args, ...answers?.(args, where), ...returns };
}

function statement(given: Properties): Properties {
    const principals = (all: { type: string; identifiers: string[] }[] | undefined) =>
        all &&
        (all.some(({ type }) => type === "*")
            ? "*"
            : Object.fromEntries(all.map((p) => [p.type, one(p.identifiers)])));
    const conditions: Record<string, Properties> = {};
    for (const { test, variable, values } of (given.conditions ?? []) as Properties[]) {
        conditions[test] = { ...conditions[test], [variable]: one(values) };
    }
    return {
        Sid: given.sid,
        Effect: given.effect ?? "Allow",
        Action: one(given.actions),
        NotAction: one(given.notActions),
        Resource: one(given.resources),
        NotResource: one(given.notResources),
        Principal: principals(given.principals),
        Condition: given.conditions && conditions,
    };
}

function one(items: unknown[] | undefined): unknown {
    return items?.length === 1 ? items[0] : items;
}
