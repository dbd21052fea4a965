import { listOf, objectsOf, part, passes, type Properties, type Rule, shown, textOf } from "./properties";

const PORTS: unknown[] = [80, 443];
const PROTOCOLS: unknown[] = ["tcp", "udp", "6", "17"];

/** Rules on who reaches what. */
export const networkRules: Rule[] = [
    {
        name: "world-reaches-http-only",
        description: "Security groups let the world reach ports 80 and 443, and no other.",
        check: (type, properties) => ingress(type, properties).flatMap(tooOpen),
    },
    {
        name: "listeners-speak-tls",
        description: "Load balancers serve TLS 1.2 and newer, and redirect plain HTTP there.",
        check: (type, properties) =>
            /^aws:(lb|alb|elasticloadbalancingv2|applicationloadbalancing)\/listener:Listener$/.test(type)
                ? withoutTls(properties)
                : [],
    },
];

/** Who may enter, and where. */
interface Entrance {
    from: unknown[];
    protocol: unknown;
    fromPort: unknown;
    toPort: unknown;
}

function ingress(type: string, properties: Properties): Entrance[] {
    switch (type) {
        case "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":
            return [
                {
                    ...ports(properties),
                    from: [properties.cidrIpv4, properties.cidrIpv6],
                    protocol: properties.ipProtocol,
                },
            ];
        case "aws:ec2/securityGroupRule:SecurityGroupRule":
            return properties.type === "ingress" ? [inline(properties)] : [];
        case "aws:ec2/securityGroup:SecurityGroup":
        case "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup":
            return objectsOf(properties.ingress).map(inline);
        default:
            return [];
    }
}

function inline(rule: Properties): Entrance {
    const from = [...listOf(rule.cidrBlocks), ...listOf(rule.ipv6CidrBlocks)];
    return { ...ports(rule), from, protocol: rule.protocol };
}

function ports({ fromPort, toPort }: Properties): Pick<Entrance, "fromPort" | "toPort"> {
    return { fromPort, toPort };
}

function tooOpen({ from, protocol, fromPort, toPort }: Entrance): string[] {
    const open =
        passes(protocol, (given) => PROTOCOLS.includes(given)) &&
        passes(fromPort, (given) => PORTS.includes(given)) &&
        passes(toPort, (given) => PORTS.includes(given)) &&
        (fromPort === toPort || ![fromPort, toPort].every((port) => PORTS.includes(port)));
    // Two halves are the world too, and so is 2000::/3.
    const worlds = open ? [] : from.filter((range) => /\/[0-7]$/.test(textOf(range)));
    const where = `ports ${shown(fromPort)} to ${shown(toPort)} of protocol ${shown(protocol)}`;
    return worlds.map(
        (range) =>
            `${where} are open to ${shown(range)}: ` +
            "let only a security group or a smaller range in, or open 80 or 443 (each a rule of its own)",
    );
}

function withoutTls({ protocol, sslPolicy, defaultActions }: Properties): string[] {
    if (protocol === "HTTP") {
        const redirects = objectsOf(defaultActions).every(
            ({ type, redirect }) =>
                passes(type, (given) => given === "redirect") &&
                passes(part(redirect, "protocol"), (given) => given === "HTTPS"),
        );
        const types = objectsOf(defaultActions).map(({ type }) => type);
        return redirects
            ? []
            : [
                  `the HTTP listener's default actions are ${shown(types)}: ` +
                      'make it one of type "redirect" with protocol "HTTPS"',
              ];
    }
    // Those of TLS13-1-0 and TLS13-1-1 take TLS 1.0 and 1.1 too.
    const secure = passes(sslPolicy, (given) => /^ELBSecurityPolicy-TLS13-1-[23]-/.test(textOf(given)));
    if (secure || (protocol !== "HTTPS" && protocol !== "TLS")) return [];
    return [
        `the listener's sslPolicy is ${shown(sslPolicy)}: take ELBSecurityPolicy-TLS13-1-2-2021-06 or a stricter one`,
    ];
}
